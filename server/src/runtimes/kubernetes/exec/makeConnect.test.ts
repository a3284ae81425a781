import { once } from "node:events"
import { finished } from "node:stream/promises"
import { expect, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { WebSocket } from "ws"
import { socketPair } from "../../../../test/api/socketPair.ts"
import { PodObject } from "../cache/objects.ts"
import { portRefusal, streamOf } from "./makeConnect.ts"

const decodePod = Schema.decodeUnknownSync(PodObject)

const podWith = (more: object) =>
  decodePod({
    metadata: { name: "web-1" },
    spec: { containers: [{ name: "user-container" }, { name: "queue-proxy" }], ...more }
  })

const init = (restartPolicy?: string) => podWith({ initContainers: [{ name: "mesh", restartPolicy }] })
const debugged = podWith({ ephemeralContainers: [{ name: "debugger-x7" }] })
const meshed = podWith({
  containers: [{ name: "user-container" }, { name: "queue-proxy" }, { name: "istio-proxy" }]
})
const withoutProxy = podWith({ containers: [{ name: "user-container" }] })

it("reaches every port of a pod with only the program, and of one whose init containers have ended", () => {
  for (const pod of [podWith({}), withoutProxy, init(), init("Never")]) {
    expect(portRefusal(pod, { port: 9229, declaredPort: 8080 })).toBeUndefined()
  }
})

it("reaches only the service's own port beside other containers: ordinary, native sidecars and ephemeral ones", () => {
  for (const pod of [meshed, init("Always"), debugged]) {
    expect(portRefusal(pod, { port: 15_000, declaredPort: 8080 })).toContain("only the service's own port 8080")
    expect(portRefusal(pod, { port: 8080, declaredPort: 8080 })).toBeUndefined()
  }
})

/** A connection through a stand-in of the API server, and the API server's end of it. */
const connectedUnder = (runtimeClass: string) =>
  Effect.gen(function* () {
    const { client, socket: far } = yield* socketPair
    return yield* Effect.promise(async () => {
      for (const channel of [0, 1]) far.send(Buffer.from([channel, 0, 80]))
      const connection = streamOf(client, { service: "web", port: 80, runtimeClass })
      far.send(Buffer.from("\0half of it"))
      const text = new Promise<string>((resolve) => {
        let all = ""
        connection.on("data", (chunk: Buffer) => {
          all += chunk
          if (all === "half of it") resolve(all)
        })
      })
      expect(await text).toBe("half of it")
      return { connection, far }
    })
  })

const connected = connectedUnder("")

it.scopedLive("ends with the program's connection", () =>
  Effect.gen(function* () {
    const { connection, far } = yield* connected
    const done = finished(connection)
    far.close(1000)
    yield* Effect.promise(() => done)
  })
)

it.scopedLive("fails when the API server is lost or ends the connection for another reason", () =>
  Effect.gen(function* () {
    const endings: ReadonlyArray<readonly [(far: WebSocket) => void, string]> = [
      [(far) => far.terminate(), "1006"],
      [(far) => far.close(1001), "1001"],
      [(far) => far.close(1011), "1011"],
      [(far) => far.close(), "1005"]
    ]
    for (const [end, code] of endings) {
      const { connection, far } = yield* connected
      const broken = expect(finished(connection)).rejects.toThrow(code)
      end(far)
      yield* Effect.promise(() => broken)
    }
  })
)

it.scopedLive("fails writes after the connection has closed, instead of dropping them", () =>
  Effect.gen(function* () {
    const { connection, far } = yield* connected
    // The reader is slow: it hasn't noticed the end yet.
    connection.pause()
    far.send(Buffer.from("\0more"))
    far.close(1000)
    yield* Effect.promise(async () => {
      await once(far, "close")
      const broken = once(connection, "error")
      const written = new Promise<Error | null | undefined>((resolve) => connection.write("late", resolve))
      expect(await written).toMatchObject({ message: expect.stringContaining("closed the connection to port 80") })
      await broken
    })
  })
)

it.scopedLive(
  "names the RuntimeClass that may be to blame for a refused connection, and the service in its advice",
  () =>
    Effect.gen(function* () {
      const refusedUnder = (runtimeClass: string) =>
        Effect.gen(function* () {
          const { connection, far } = yield* connectedUnder(runtimeClass)
          const broken = once(connection, "error")
          far.send(Buffer.from("\u0001dial tcp4 127.0.0.1:80: connect: connection refused"))
          const [error]: ReadonlyArray<unknown> = yield* Effect.promise(() => broken)
          return String(error)
        })
      const plain = yield* refusedUnder("")
      expect(plain).toContain("Nothing listens on port 80")
      expect(plain).toContain("`maxcloud exec web -- ss -tln`")
      expect(plain).not.toContain("RuntimeClass")
      const sandboxed = yield* refusedUnder("gvisor")
      expect(sandboxed).not.toContain("Nothing listens")
      expect(sandboxed).toContain('RuntimeClass "gvisor"')
      expect(sandboxed).toContain("`maxcloud exec web -- ss -tln`")
      expect(sandboxed).toContain("MAXCLOUD_RUNTIME_CLASS=gvisor,org_…=none")
    })
)
