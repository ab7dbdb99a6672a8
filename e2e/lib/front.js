// A front server as operators have one, and a way out that leads nowhere.

import { createServer, request } from "node:http";

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

/** A proxy that refuses everything and notes what it was asked for. */
export async function deadEnd() {
  const asked = [];
  const { server, host } = await listening((from, answer) => {
    asked.push(from.url);
    answer.writeHead(403).end();
  });
  server.on("connect", (from, socket) => {
    asked.push(from.url);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  return { host, asked, close: () => closed(server) };
}
