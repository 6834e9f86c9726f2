// A port for a server that a test starts and that cannot be asked which one it took.
import net, { type AddressInfo } from "node:net";

/** A port of this address that was free a moment ago. */
export function freePort(address = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once("error", reject);
    server.listen(0, address, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
