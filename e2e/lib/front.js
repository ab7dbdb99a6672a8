// Servers of the suite: a front server as operators have one, and others on demand.

import { createServer, request } from "node:http";

/** A client with an address of the city database of the tests, and where that has it. */
export const CLIENT = { address: "81.2.69.192", latitude: 51.5142, longitude: -0.0931 };

/** Listens on a free port of this machine: the server and its address. */
export async function listening(handler) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return { server, host: `127.0.0.1:${server.address().port}` };
}

/** Closes a server, whoever is still connected. */
export async function closed(server) {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/**
 * Hands requests on to a service, as coming from the address of a client, and notes them.
 * @param {string} origin of the service
 * @param {string} address of the client
 */
export async function front(origin, address) {
  const seen = [];
  const { server, host } = await listening((from, answer) => {
    seen.push({ method: from.method, path: from.url, agent: from.headers["user-agent"] });
    const headers = { ...from.headers, "x-forwarded-for": address };
    const onward = request(new URL(from.url, origin), { method: from.method, headers });
    onward.on("response", (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    from.pipe(onward);
  });
  return { origin: `http://${host}`, seen, close: () => closed(server) };
}
