import { describe, expect, it } from "@effect/vitest"
import { CloudEvent, EventId, KeyScope } from "@maxcloud/sdk/api"
import { Effect, Schema, Stream } from "effect"
import { testApi, testOrganization } from "../../../../test/api/testApi.ts"
import type { Caller } from "../../../tenancy/access/Caller.ts"
import type { EventQuery } from "../../../tenancy/events/Events.ts"

const event = (n: number): CloudEvent => ({
  specversion: "1.0",
  id: EventId.make(`evt_${String(n).padStart(32, "0")}`),
  source: `/organizations/${testOrganization.id}`,
  type: "deployment.failed",
  subject: "deployments/dep_1",
  time: "2026-01-01T00:00:00.000Z",
  datacontenttype: "application/json",
  sequence: String(n),
  data: { number: n }
})

/** An API over `count` events; also returns what its handlers requested. */
const made = (count: number, caller?: Partial<Caller>) =>
  Effect.gen(function* () {
    const queries: Array<EventQuery> = []
    const followed: Array<number | undefined> = []
    const { url } = yield* testApi({
      events: {
        page: (_, query, { cursor = "0", limit }) => {
          queries.push(query)
          const all = Array.from({ length: count }, (_, n) => event(n + 1))
          const items = all.slice(Number(cursor), Number(cursor) + limit)
          const end = Number(cursor) + limit
          return Effect.succeed({ items, next: end < count ? String(end) : null })
        },
        follow: (_, query) => {
          queries.push(query)
          followed.push(query.after)
          return Stream.make(event(8), event(9))
        }
      },
      ...(caller === undefined
        ? {}
        : {
            authenticator: {
              authenticate: () =>
                Effect.succeed({
                  organization: testOrganization,
                  roles: ["viewer"],
                  scopes: undefined,
                  credential: { type: "local" },
                  person: undefined,
                  ...caller
                })
            }
          })
    })
    const get = (path: string, headers: Record<string, string> = {}) =>
      Effect.promise(() =>
        fetch(`${url}/api/v1/events${path}`, {
          headers: { ...(caller === undefined ? {} : { authorization: "Bearer mck_x" }), ...headers }
        })
      )
    return { followed, get, queries, url }
  })

const decode = Schema.decodeUnknownSync(Schema.Array(CloudEvent))
const json = (response: Response) =>
  Effect.map(
    Effect.promise(() => response.json()),
    (value: unknown) => decode(value)
  )

describe("GET /api/v1/events", () => {
  it.scopedLive("pages by Link until the last page", () =>
    Effect.gen(function* () {
      const { get, url } = yield* made(5)
      const seen: Array<string> = []
      let next: string | undefined = "?limit=2&type=deployment.*"
      while (next !== undefined) {
        const response: Response = yield* get(next)
        seen.push(...(yield* json(response)).map((one) => one.sequence))
        const link: string | null = response.headers.get("link")
        next = link === null ? undefined : new URL(/<(.*)>; rel="next"/.exec(link)?.[1] ?? "", url).search
        if (next !== undefined) expect(next).toContain("deployment.*")
      }
      expect(seen).toStrictEqual(["1", "2", "3", "4", "5"])
    })
  )

  it.scopedLive("resumes server-sent events after Last-Event-ID", () =>
    Effect.gen(function* () {
      const { followed, get } = yield* made(0)
      const accept = "text/event-stream"
      const response = yield* get("", { accept, "last-event-id": "7" })
      expect(response.headers.get("content-type")).toBe(accept)
      const text = yield* Effect.promise(() => response.text())
      expect(text).toContain(`id: 8\nevent: deployment.failed\ndata: ${JSON.stringify(event(8))}\n\n`)
      yield* Effect.flatMap(get("?after=3", { accept }), (other) => Effect.promise(() => other.text()))
      yield* Effect.flatMap(get("", { accept }), (other) => Effect.promise(() => other.text()))
      expect(followed).toStrictEqual([7, 3, undefined])
      for (const wrong of ["x", "1e9", "-1"]) {
        expect((yield* get("", { accept, "last-event-id": wrong })).status, wrong).toBe(400)
      }
    })
  )

  it.scopedLive("names each invalid parameter it refuses", () =>
    Effect.gen(function* () {
      const { get } = yield* made(1)
      for (const [query, said] of [
        ["?type=deploymnt.failed", "isn't a type of event"],
        ["?limit=0", "limit"],
        ["?limit=1001", "limit"],
        ["?after=abc", "after"],
        ["?since=yesterday", "since"],
        ["?app=No%20App", "app"]
      ] as const) {
        const response = yield* get(query)
        expect(response.status, query).toBe(400)
        expect(yield* Effect.promise(() => response.text())).toContain(said)
      }
    })
  )

  it.scopedLive("requests only the caller's own apps and stages", () =>
    Effect.gen(function* () {
      const scopes = [KeyScope.make("read:shop/*")]
      const { get, queries } = yield* made(1, { scopes })
      yield* get("")
      expect(queries[0]?.scopes).toStrictEqual(scopes)
      expect((yield* get("?app=blog&stage=production")).status).toBe(403)
      expect((yield* get("?app=shop&stage=production")).status).toBe(200)
    })
  )
})
