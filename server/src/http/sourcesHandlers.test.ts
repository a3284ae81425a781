import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { SourceError } from "../runtime/local/sources/SourceStore.ts"
import { testApi } from "./testApi.ts"

describe("an upload that is refused before its end", () => {
  it.scopedLive.each([
    ["overQuota", 403],
    ["tooLarge", 413],
    ["invalid", 400]
  ] as const)("is answered, not broken off: %s", ([reason, status]) =>
    Effect.gen(function* () {
      const { url } = yield* testApi({
        sources: {
          put: (_, __, content) =>
            Stream.runHead(content).pipe(
              Effect.orDie,
              Effect.andThen(Effect.fail(new SourceError({ reason, message: "told" })))
            )
        }
      })
      const put = (bytes: number) =>
        Effect.promise(async () => {
          const answer = await fetch(`${url}/api/v1/sources/sha256:${"0".repeat(64)}`, {
            method: "PUT",
            headers: { "content-type": "application/octet-stream" },
            body: Buffer.alloc(bytes)
          })
          return { status: answer.status, text: await answer.text() }
        })
      for (const bytes of [20, 100_000, 5_000_000]) {
        const answer = yield* put(bytes)
        assert.strictEqual(answer.status, status)
        assert.include(answer.text, "told")
      }
    })
  )
})
