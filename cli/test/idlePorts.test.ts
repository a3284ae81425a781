import { once } from "node:events"
import { connect } from "node:net"
import { expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { servedPort } from "../../server/test/api/servedPort.ts"
import { testLocalToken } from "../../server/test/api/testApi.ts"
import { start } from "./cli.ts"

it.scopedLive(
  "goes on after an idle connection has ended, and resets the local one",
  () =>
    Effect.gen(function* () {
      const { url } = yield* servedPort((socket) => socket.pipe(socket), { sessionLimits: { idleMs: 1_000 } })
      yield* Effect.promise(async () => {
        const forward = start(["port-forward", "web", "0:5432", "--app", "shop", "--stage", "production"], {
          env: { MAXCLOUD_API_URL: url, MAXCLOUD_API_KEY: Redacted.value(testLocalToken) }
        })
        try {
          const port = Number(/^127\.0\.0\.1:(\d+)$/m.exec(await forward.until(/^127\.0\.0\.1:\d+$/m))?.[1])
          for (const text of ["first", "second"]) {
            const socket = connect(port, "127.0.0.1")
            const broken = once(socket, "close").catch((error: unknown) => error)
            socket.write(text)
            expect(String((await once(socket, "data"))[0])).toBe(text)
            expect(await broken).toMatchObject({ code: "ECONNRESET" })
          }
          await forward.until(/a connection failed: Nothing was sent for 1s/)
        } finally {
          forward.child.kill("SIGINT")
        }
        expect((await forward.ended).code).toBe(0)
      })
    }),
  60_000
)
