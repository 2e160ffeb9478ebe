// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.Confinement;
import io.hako.api.types.Confinement.Capability;
import io.hako.api.types.Confinement.Namespace;
import io.hako.host.shim.proto.ConnectedSocket;
import io.hako.host.shim.proto.GuestPort;
import io.hako.host.shim.proto.ListeningSocket;
import io.hako.host.shim.proto.Memfd;
import io.hako.host.shim.proto.OpenedFile;
import io.hako.host.shim.proto.OwnRoot;
import io.hako.host.shim.proto.PassedFile;
import io.hako.host.shim.proto.TapQueue;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** What a process is given and what it is shut off from, as messages of hako.shim.v1. */
final class PassedFileMessages {
    private static final int OWNER_ONLY = 0600;

    private PassedFileMessages() {}

    static PassedFile passed(io.hako.api.types.PassedFile file) {
        PassedFile.Builder message = PassedFile.newBuilder().setName(file.name());
        switch (file) {
            case io.hako.api.types.PassedFile.ListeningSocket socket ->
                    message.setListeningSocket(
                            ListeningSocket.newBuilder()
                                    .setPath(socket.path().toString())
                                    .setMode(OWNER_ONLY));
            case io.hako.api.types.PassedFile.ConnectedSocket socket ->
                    message.setConnectedSocket(
                            ConnectedSocket.newBuilder().setPath(socket.path().toString()));
            case io.hako.api.types.PassedFile.Memfd memory ->
                    message.setMemfd(Memfd.newBuilder().setSize(memory.size().bytes()));
            case io.hako.api.types.PassedFile.GuestPort port ->
                    message.setGuestPort(GuestPort.newBuilder().setPort(port(port.port())));
            case io.hako.api.types.PassedFile.OpenedFile opened ->
                    message.setOpenedFile(
                            OpenedFile.newBuilder()
                                    .setPath(opened.path().toString())
                                    .setWrite(opened.writable())
                                    .setKeep(opened.kept()));
            case io.hako.api.types.PassedFile.TapQueue tap ->
                    message.setTapQueue(
                            TapQueue.newBuilder()
                                    .setInterface(tap.link())
                                    .setNetworkNamespace(tap.network().path().toString())
                                    .setVnetHeader(tap.offloadHeader())
                                    .setMultiQueue(tap.multiQueue()));
        }
        return message.build();
    }

    private static GuestPort.Port port(io.hako.api.types.PassedFile.GuestPort.Port port) {
        return switch (port) {
            case CONTROL -> GuestPort.Port.CONTROL;
            case DATA -> GuestPort.Port.DATA;
        };
    }

    static io.hako.host.shim.proto.Confinement confinement(Confinement confinement) {
        io.hako.host.shim.proto.Confinement.Builder message =
                io.hako.host.shim.proto.Confinement.newBuilder()
                        .setNoNewPrivileges(confinement.noNewPrivileges())
                        .setDropCapabilities(confinement.capabilities().isPresent());
        confinement.namespaces().forEach(namespace -> add(message, namespace));
        // The wire's unsigned 32-bit numbers are Java's ints with the same bits.
        confinement
                .runAs()
                .ifPresent(user -> message.setUid((int) user.uid()).setGid((int) user.gid()));
        confinement
                .capabilities()
                .ifPresent(
                        kept ->
                                kept.stream()
                                        .map(Capability::number)
                                        .sorted()
                                        .forEach(message::addKeptCapabilities));
        confinement.root().ifPresent(root -> message.setOwnRoot(ownRoot(root)));
        return message.build();
    }

    private static OwnRoot ownRoot(Confinement.OwnRoot root) {
        return OwnRoot.newBuilder()
                .addAllReadable(paths(root.readable()))
                .addAllFollowed(paths(root.followed()))
                .build();
    }

    private static List<String> paths(Set<Path> paths) {
        return paths.stream().map(Path::toString).sorted().toList();
    }

    private static void add(
            io.hako.host.shim.proto.Confinement.Builder message, Namespace namespace) {
        switch (namespace) {
            case NETWORK -> message.setNewNetworkNamespace(true);
            case MOUNT -> message.setNewMountNamespace(true);
            case PID -> message.setNewPidNamespace(true);
            case IPC -> message.setNewIpcNamespace(true);
            case UTS -> message.setNewUtsNamespace(true);
            case USER -> message.setNewUserNamespace(true);
        }
    }
}
