// Sockets of this user's own programs on this machine: a socket's descriptor, and a connection to a server
// that is ours.
import net from "node:net";
import { peerCredentials } from "./native.ts";

/** The descriptor of a socket; -1 where it has none any more. Node tells it nobody. */
export function descriptorOf(socket: net.Socket): number {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}

/** Connects to a Unix socket; undefined where nobody listens, or somebody else. */
export function connectOwn(socketPath: string): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => {
      const fd = descriptorOf(socket);
      if (fd >= 0 && peerCredentials(fd).uid === process.geteuid?.()) return resolve(socket);
      socket.destroy();
      resolve(undefined);
    });
  });
}
