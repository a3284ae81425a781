import { randomInt } from "node:crypto"
import { createServer } from "node:net"

// Below the range that Linux and macOS use for outgoing connections: any connection could take a port of that range between our
// check and the instance's listen.
const lowest = 20_000
const highest = 32_767

const given = new Set<number>()

const canListen = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    // A machine without IPv6 doesn't rule the port out.
    server.once("error", (cause: NodeJS.ErrnoException) => resolve(cause.code !== "EADDRINUSE" && host === "::"))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })

/** Does nothing listen there, on any address? */
export const isFree = async (port: number): Promise<boolean> =>
  (await canListen(port, "::")) && (await canListen(port, "0.0.0.0"))

export interface ReservedPort {
  readonly port: number
  /** Lets this server give the port to another instance. */
  readonly release: () => void
}

/** A free port, reserved in this server until it is released. */
export const reservePort = async (): Promise<ReservedPort> => {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(lowest, highest + 1)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return { port, release: () => void given.delete(port) }
    given.delete(port)
  }
  throw new Error(`No free port between ${lowest} and ${highest} on this machine`)
}
