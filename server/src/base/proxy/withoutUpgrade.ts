import type { IncomingMessage } from "node:http"

/** The other options of `Connection`: names of this hop's fields, and whether the connection stays open. */
const connectionOf = (request: IncomingMessage): string =>
  (request.headers.connection ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !/^(upgrade|http2-settings)$/i.test(name))
    .join(", ")

/**
 * An offered protocol that isn't accepted (RFC 9110, 7.8): the request is put back without the offer, to be answered in
 * HTTP/1.1.
 */
export const withoutUpgrade = (request: IncomingMessage, head: Buffer): Buffer => {
  let text = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? ""
    if (!/^(upgrade|http2-settings|connection)$/i.test(name)) text += `${name}: ${request.rawHeaders[i + 1]}\r\n`
  }
  const connection = connectionOf(request)
  if (connection !== "") text += `Connection: ${connection}\r\n`
  return Buffer.concat([Buffer.from(`${text}\r\n`, "latin1"), head])
}
