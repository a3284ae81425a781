import { SqlClient } from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import { productionStage, SecretName } from "@maxcloud/config-schema"
import { Effect, Redacted } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Secrets } from "../../../stores/secrets/Secrets.ts"

const fake = await Effect.runPromise(makeFakeRuntime)

/** Marks the stored manifests, so that a deployment that takes them over is recognized; those created anew have no mark. */
const mark = ({ id }: Organization) =>
  asServer(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`
        update deployment_manifests set manifests =
          (select json_agg(jsonb_set(m::jsonb, '{metadata,labels,marked}', '"yes"')) from json_array_elements(manifests) m)
        where organization_id = ${id}`
    )
  )

const stored = ({ id }: Organization) =>
  asServer(
    Effect.flatMap(
      SqlClient,
      (sql) => sql<{ deployment_id: string; marked: boolean }>`
        select deployment_id, manifests::text like '%"marked"%' as marked from deployment_manifests
        where organization_id = ${id}`
    )
  )

layer(ownServer(fake.layer, { resyncMs: 60_000 }, layerAll), { timeout: 120_000 })("stored manifests", (it) => {
  it.effect("are taken over by the next deployment if nothing that they depend on has changed", () =>
    Effect.gen(function* () {
      const organization = yield* newOrganization
      const secrets = yield* Secrets
      const target = { organizationId: organization.id, app: shop, stage: productionStage }
      const secret = (value: string) => secrets.set(target, SecretName.make("TOKEN"), Redacted.make(value))
      const web = { name: "web", env: { TOKEN: { secret: "TOKEN" }, A: "1" } }
      /** Is the next deployment's one row marked? */
      const isTakenOver = (service: typeof web) =>
        Effect.gen(function* () {
          yield* mark(organization)
          const deployment = yield* deploy(organization, [service])
          yield* finished(organization, deployment)
          const rows = yield* stored(organization)
          expect(rows.map((row) => row.deployment_id)).toEqual([deployment.id])
          return rows[0]?.marked
        })
      yield* secret("a")
      yield* finished(organization, yield* deploy(organization, [web]))

      expect(yield* isTakenOver(web)).toBe(true)
      expect(yield* isTakenOver(web)).toBe(true)
      const changed = { ...web, env: { ...web.env, A: "2" } }
      expect(yield* isTakenOver(changed)).toBe(false)
      expect(yield* isTakenOver(changed)).toBe(true)
      yield* secret("b")
      expect(yield* isTakenOver(changed)).toBe(false)
      expect(yield* isTakenOver(changed)).toBe(true)
    })
  )
})
