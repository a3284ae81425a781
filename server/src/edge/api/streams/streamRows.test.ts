import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Stream } from "effect"
import { testApi, testOrganization } from "../../../../test/api/testApi.ts"
import { layerTest } from "../../../../test/database/layerTest.ts"

const foreign = OrganizationId.make(`org_${"b".repeat(32)}`)
const service = `svc_${"a".repeat(32)}`
const deployment = `dep_${"a".repeat(32)}`

describe("an answer streamed after its handler has ended", () => {
  it.scopedLive(
    "contains only rows of the caller's organization, even if its query has no condition on the organization",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`insert into organizations ${sql.insert([testOrganization.id, foreign].map((id) => ({ id, name: id })))}`
        const at = "2026-01-01T00:00:00.000Z"
        // Once as rows, and once by a cursor, the second from a later moment of the stream.
        const query = sql<{ id: string }>`select id from organizations order by id`
        const ids = Stream.concat(Stream.fromIterableEffect(query), query.stream).pipe(
          Stream.map(({ id }) => id),
          Stream.orDie
        )
        const { url } = yield* testApi({
          services: {
            logs: () =>
              Effect.succeed(
                Stream.map(ids, (line) => ({
                  cursor: "0-1",
                  at,
                  service: ServiceName.make("web"),
                  revision: "web-00001",
                  instance: "i",
                  stream: "stdout" as const,
                  line,
                  truncated: false
                }))
              )
          },
          deployments: {
            events: () =>
              Effect.succeed(
                Stream.map(ids, (message) => ({
                  id: 1,
                  at,
                  type: "started" as const,
                  service: null,
                  reason: "",
                  message,
                  deployment: null
                }))
              )
          },
          audit: { export: () => ids },
          privacy: { exportOrganization: () => ids }
        })
        for (const path of [
          `services/${service}/logs`,
          `services/${service}/logs?follow=true`,
          `deployments/${deployment}/events`,
          "audit/export",
          "organization/export"
        ]) {
          const answer = yield* Effect.promise(() => fetch(`${url}/api/v1/${path}`).then((found) => found.text()))
          const seen = [...answer.matchAll(/org_\w{32}/g)].map(([id]) => id)
          expect([path, ...seen], answer).toStrictEqual([path, testOrganization.id, testOrganization.id])
        }
      }).pipe(Effect.provide(layerTest))
  )
})
