import { spawn } from "node:child_process"
import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"
import { afterEach, describe, expect, it, it as property } from "@effect/vitest"
import { FastCheck } from "effect"
import { makePeerUsers, peerUser } from "./peerUser.ts"
import { parseTcpTables, rowsOf } from "./tcpTable.ts"

const isLinux = process.platform === "linux"
/** Acting as another user needs root. */
const isRoot = process.getuid?.() === 0
const nobody = 65_533

const servers = new Set<Server>()
afterEach(() => {
  for (const server of servers) server.close()
  servers.clear()
})

const listening = async (host: string, pauseOnConnect = false) => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect })
  servers.add(server)
  server.listen(0, host)
  await once(server, "listening")
  const address = server.address()
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 }
}

const accepted = async (server: Server): Promise<Socket> => {
  const [socket] = await once(server, "connection")
  return socket
}

describe.skipIf(!isLinux)("the user at the other end of a connection", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "::1"],
    ["::", "127.0.0.1"]
  ])("is known for a server on %s and a client of %s", async (host, target) => {
    const { port, server } = await listening(host)
    const arriving = accepted(server)
    const client = connect(port, target)
    const socket = await arriving
    expect(await peerUser(socket)).toBe(process.getuid?.())
    client.destroy()
    socket.destroy()
  })

  it("is known for a client that speaks IPv4 on an IPv6 socket", async () => {
    const { port, server } = await listening("127.0.0.1")
    const arriving = accepted(server)
    const client = connect(port, "::ffff:127.0.0.1")
    const socket = await arriving
    expect(await peerUser(socket)).toBe(process.getuid?.())
    client.destroy()
    socket.destroy()
  })

  it.skipIf(!isRoot)("is the other user if another user has connected (needs root)", async () => {
    const { port, server } = await listening("127.0.0.1")
    const arriving = accepted(server)
    const other = spawn("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${port}; read line <&3`], {
      uid: nobody,
      gid: nobody,
      cwd: "/"
    })
    const socket = await arriving
    expect(await peerUser(socket)).toBe(nobody)
    socket.destroy()
    other.kill()
  })

  it("is unknown after a hang-up: closed sockets show user 0", async () => {
    const { port, server } = await listening("127.0.0.1")
    for (const close of [
      (each: Socket) => each.end(),
      (each: Socket) => each.destroy(),
      (each: Socket) => each.resetAndDestroy()
    ]) {
      const arriving = accepted(server)
      const client = connect(port, "127.0.0.1")
      const socket = await arriving
      const over = new Promise<void>((resolve) => {
        for (const event of ["end", "close", "error"]) socket.once(event, () => resolve())
      })
      client.write("x")
      await once(socket, "data")
      close(client)
      await over
      expect(await peerUser(socket)).toBeUndefined()
      socket.destroy()
    }
  })

  it("is never the next owner of a closed connection's port", async () => {
    // Nothing reads from it, so Node doesn't notice that the other end is gone.
    const { port, server } = await listening("127.0.0.1", true)
    const first = accepted(server)
    const client = connect(port, "127.0.0.1")
    const socket = await first
    socket.on("error", () => undefined)
    const localPort = socket.remotePort ?? 0
    expect(await peerUser(socket)).toBe(process.getuid?.())
    const closed = once(client, "close")
    client.resetAndDestroy()
    await closed
    const second = accepted(server)
    const successor = connect({ port, host: "127.0.0.1", localPort })
    const other = await second
    expect(other.remotePort).toBe(socket.remotePort)
    expect(await peerUser(socket)).toBeUndefined()
    expect(await peerUser(other)).toBe(process.getuid?.())
    for (const _ of [successor, other, socket]) _.destroy()
  })

  it("is looked up once for each connection", async () => {
    const { port, server } = await listening("127.0.0.1")
    let looks = 0
    const users = makePeerUsers(async () => ++looks)
    for (const expected of [1, 2]) {
      const arriving = accepted(server)
      const client = connect(port, "127.0.0.1")
      const socket = await arriving
      expect(await Promise.all([users(socket), users(socket)])).toStrictEqual([expected, expected])
      expect(await users(socket)).toBe(expected)
      client.destroy()
      socket.destroy()
    }
  })
})

describe("rows of the kernel's table", () => {
  const table = (lines: ReadonlyArray<string>) => ["  sl  local_address rem_address   st", ...lines, ""].join("\n")
  const line = (local: string, remote: string, state: string, uid: number, inode: number) =>
    `   7: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0000000000000000 20 4 30 10 -1`
  const peer = { address: "127.0.0.1", port: 0x9c40 }
  const own = { address: "127.0.0.1", port: 0x1f90 }

  it("are found by both ends, in either form of an address", async () => {
    const four = table([
      line("0100007F:9C40", "0100007F:1F90", "01", 1000, 77),
      line("0100007F:1F90", "0100007F:9C40", "01", 0, 78)
    ])
    const six = table([
      line("0000000000000000FFFF00000100007F:9C40", "0000000000000000FFFF00000100007F:1F90", "06", 0, 0)
    ])
    expect(rowsOf(await parseTcpTables([four, six]), peer, own)).toStrictEqual([
      { established: true, uid: 1000, inode: "77" },
      { established: false, uid: 0, inode: "0" }
    ])
    expect(rowsOf(await parseTcpTables([four]), own, peer)).toStrictEqual([{ established: true, uid: 0, inode: "78" }])
    expect(rowsOf(await parseTcpTables([four]), { ...peer, port: 1 }, own)).toStrictEqual([])
  })

  const known = new Map([["0100007F:9C40 0100007F:1F90", [{ established: true, uid: 0, inode: "77" }]]])
  it("are found in a table of 20,000, which is read once for many at a time", async () => {
    const client = (at: number) => ({ address: "127.0.0.1", port: 10_000 + at })
    const name = ({ port }: { readonly port: number }) => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`
    const lines = Array.from({ length: 20_000 }, (_, at) => line(name(client(at)), name(own), "01", at, at + 1))
    const read = await parseTcpTables([table(lines)])
    for (const at of [0, 1_999, 2_000, 19_999]) {
      expect(rowsOf(read, client(at), own)).toStrictEqual([{ established: true, uid: at, inode: String(at + 1) }])
    }
  })

  const octet = FastCheck.integer({ min: 0, max: 255 })
  const endpoint = FastCheck.record({
    address: FastCheck.oneof(
      FastCheck.tuple(octet, octet, octet, octet).map((each) => each.join(".")),
      FastCheck.ipV6(),
      FastCheck.string({ maxLength: 20 })
    ),
    port: FastCheck.integer({ min: 0, max: 65_535 })
  })
  property.prop(
    "of other connections are never mistaken for it",
    [endpoint, endpoint],
    ([one, other]) => {
      const same =
        one.address === own.address &&
        one.port === peer.port &&
        other.address === own.address &&
        other.port === own.port
      return (
        same ||
        rowsOf(known, one, other).length === 0 ||
        /^::ffff:/i.test(one.address) ||
        /^::ffff:/i.test(other.address)
      )
    },
    { fastCheck: { numRuns: 2_000 } }
  )
})
