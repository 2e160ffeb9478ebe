// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.grpc;

import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * gRPC over a unix domain socket: calls of one request and one answer, which block and fail with
 * gRPC's StatusRuntimeException. Used from any thread.
 */
public final class GrpcSocket implements AutoCloseable {
    private final MultiThreadIoEventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel connection;
    private final Channel channel;

    /**
     * @param headers of every call
     */
    public GrpcSocket(Path socket, Map<String, String> headers) {
        connection =
                NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                        .eventLoopGroup(loop)
                        .channelType(EpollDomainSocketChannel.class)
                        // A socket's path is no host name, which the server demands.
                        .overrideAuthority("localhost")
                        .usePlaintext()
                        .build();
        Metadata metadata = new Metadata();
        headers.forEach(
                (name, value) ->
                        metadata.put(
                                Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        channel =
                ClientInterceptors.intercept(
                        connection, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    /**
     * @param answer the default instance of the answer's type
     */
    public <A extends Message> A call(
            String service, String name, Message request, A answer, Duration limit) {
        MethodDescriptor<Message, A> method =
                MethodDescriptor.<Message, A>newBuilder(
                                ProtoUtils.marshaller(request.getDefaultInstanceForType()),
                                ProtoUtils.marshaller(answer))
                        .setType(MethodDescriptor.MethodType.UNARY)
                        .setFullMethodName(MethodDescriptor.generateFullMethodName(service, name))
                        .build();
        return ClientCalls.blockingUnaryCall(
                channel,
                method,
                CallOptions.DEFAULT.withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS),
                request);
    }

    @Override
    public void close() {
        connection.shutdownNow();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
