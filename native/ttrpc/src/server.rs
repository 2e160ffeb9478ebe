// SPDX-License-Identifier: Apache-2.0
//! The server's side of one connection, without input and output.

use std::time::Duration;

use hako_protocols::ttrpc;
use prost::Message;

use crate::frame::{Frame, FrameError, FrameKind, Splitter};
use crate::status::{Code, Status};

/// One request, to be answered with [`Connection::answer`] under its `stream`, now or later.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub stream: u32,
    pub service: String,
    pub method: String,
    pub payload: Vec<u8>,
    /// How long the caller waits, if it said so.
    pub timeout: Option<Duration>,
}

impl Call {
    /// The request message.
    ///
    /// # Errors
    /// `InvalidArgument` if the payload is not such a message.
    pub fn decode<Q: Message + Default>(&self) -> Result<Q, Status> {
        Q::decode(self.payload.as_slice())
            .map_err(|error| Status::invalid(format!("The request of {} cannot be decoded: {error}.", self.method)))
    }
}

/// Bytes of a client in, calls out; answers in, bytes for the client out.
///
/// ```
/// # use hako_ttrpc::{Connection, Status};
/// # fn serve(connection: &mut Connection, received: &[u8]) -> Result<Vec<u8>, hako_ttrpc::FrameError> {
/// connection.receive(received);
/// while let Some(call) = connection.next_call()? {
///     connection.answer::<()>(call.stream, Err(Status::unimplemented(&call.service, &call.method)));
/// }
/// Ok(connection.take_output())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Connection {
    splitter: Splitter,
    output: Vec<u8>,
}

impl Connection {
    pub fn receive(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes);
    }

    /// The next call. What is not a call of hako's (a data frame, an even stream, a broken envelope) is answered here.
    ///
    /// # Errors
    /// The connection must be closed.
    pub fn next_call(&mut self) -> Result<Option<Call>, FrameError> {
        while let Some(frame) = self.splitter.next_frame()? {
            match open(&frame) {
                Ok(call) => return Ok(Some(call)),
                Err(status) => self.answer::<()>(frame.stream, Err(status)),
            }
        }
        Ok(None)
    }

    /// Queues the answer to the call with this stream number.
    pub fn answer<A: Message>(&mut self, stream: u32, result: Result<A, Status>) {
        self.answer_encoded(stream, result.map(|message| message.encode_to_vec()));
    }

    /// Queues an answer whose message is encoded already.
    pub fn answer_encoded(&mut self, stream: u32, result: Result<Vec<u8>, Status>) {
        let response = match result {
            Ok(payload) => ttrpc::Response { status: None, payload },
            Err(status) => ttrpc::Response { status: Some(status.into()), payload: Vec::new() },
        };
        let encoded = response.encode_to_vec();
        if let Err(error) = Frame::append(stream, FrameKind::Response, &encoded, &mut self.output) {
            self.answer::<()>(stream, Err(Status::new(Code::ResourceExhausted, error.to_string())));
        }
    }

    /// Takes all bytes that are due to the client.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }
}

fn open(frame: &Frame) -> Result<Call, Status> {
    if frame.kind != FrameKind::Request {
        return Err(Status::new(Code::Unimplemented, "Only unary calls are served: the frame is not a request."));
    }
    if frame.stream.is_multiple_of(2) {
        return Err(Status::invalid(format!("A client's stream number must be odd, {} is not.", frame.stream)));
    }
    let request = ttrpc::Request::decode(frame.payload.as_slice())
        .map_err(|error| Status::invalid(format!("The ttrpc request cannot be decoded: {error}.")))?;
    Ok(Call {
        stream: frame.stream,
        service: request.service,
        method: request.method,
        payload: request.payload,
        timeout: u64::try_from(request.timeout_nano).ok().filter(|&nanos| nanos > 0).map(Duration::from_nanos),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hako_protocols::agent::{HelloRequest, HelloResponse};

    fn request(stream: u32, timeout_nano: i64) -> Vec<u8> {
        let hello = HelloRequest { protocol_oldest: 1, protocol_newest: 2 };
        let request = ttrpc::Request {
            service: "s".into(),
            method: "Hello".into(),
            payload: hello.encode_to_vec(),
            timeout_nano,
            metadata: Vec::new(),
        };
        let mut out = Vec::new();
        Frame::append(stream, FrameKind::Request, &request.encode_to_vec(), &mut out).unwrap();
        out
    }

    fn responses(bytes: &[u8]) -> Vec<(u32, ttrpc::Response)> {
        let mut splitter = Splitter::default();
        splitter.push(bytes);
        std::iter::from_fn(|| splitter.next_frame().unwrap())
            .map(|frame| (frame.stream, ttrpc::Response::decode(frame.payload.as_slice()).unwrap()))
            .collect()
    }

    #[test]
    fn calls_may_be_answered_out_of_order() {
        let mut connection = Connection::default();
        connection.receive(&[request(1, 0), request(3, 5)].concat());
        let first = connection.next_call().unwrap().unwrap();
        let second = connection.next_call().unwrap().unwrap();
        assert_eq!(first.timeout, None);
        assert_eq!(second.timeout, Some(Duration::from_nanos(5)));
        assert_eq!(second.decode::<HelloRequest>().unwrap().protocol_newest, 2);

        connection.answer(second.stream, Ok(HelloResponse { protocol: 2, ..Default::default() }));
        connection.answer::<()>(first.stream, Err(Status::not_found("Nothing is there.")));
        let answers = responses(&connection.take_output());
        assert_eq!(answers[0].0, 3);
        assert_eq!(HelloResponse::decode(answers[0].1.payload.as_slice()).unwrap().protocol, 2);
        assert_eq!(answers[1].0, 1);
        assert_eq!(Status::from(answers[1].1.status.clone().unwrap()), Status::not_found("Nothing is there."));
    }

    #[test]
    fn what_is_no_call_is_answered_without_reaching_the_handler() {
        let mut connection = Connection::default();
        let mut data = Vec::new();
        Frame::append(7, FrameKind::Data, b"", &mut data).unwrap();
        let mut broken = Vec::new();
        Frame::append(9, FrameKind::Request, &[0xff], &mut broken).unwrap();
        connection.receive(&[request(2, 0), data, broken].concat());
        assert_eq!(connection.next_call(), Ok(None));
        let codes: Vec<_> = responses(&connection.take_output())
            .into_iter()
            .map(|(stream, response)| (stream, Code::from(response.status.unwrap().code)))
            .collect();
        assert_eq!(codes, [(2, Code::InvalidArgument), (7, Code::Unimplemented), (9, Code::InvalidArgument)]);
    }

    #[test]
    fn an_answer_over_the_limit_becomes_an_error() {
        let mut connection = Connection::default();
        let huge = HelloResponse { instance: "x".repeat(5 << 20), ..Default::default() };
        connection.answer(1, Ok(huge));
        let status = responses(&connection.take_output()).remove(0).1.status.unwrap();
        assert_eq!(Code::from(status.code), Code::ResourceExhausted);
    }
}
