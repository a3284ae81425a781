import { SqlClient } from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import { AppName, productionStage } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import {
  deploy,
  eventsOf,
  finished,
  newOrganization,
  ownServer,
  shop
} from "../../../../test/deployments/testServer.ts"
import { listDeployments, listEntries, listServices } from "../../../../test/wholeLists.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Quotas } from "../../../tenancy/limits/Quotas.ts"
import { Deployments } from "../Deployments.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const server = ownServer(fake.layer)

const cancel = (organization: Organization, number: number) =>
  Effect.flatMap(Deployments, (deployments) => deployments.cancel(organization, shop, productionStage, number))
const newest = (organization: Organization) =>
  listDeployments(organization, shop, productionStage).pipe(
    Effect.flatMap(([first]) => (first === undefined ? Effect.dieMessage("no deployment") : Effect.succeed(first)))
  )
const images = (organization: Organization) =>
  Effect.map(listServices(organization), (found) => found.map((service) => [service.name, service.spec.image]))

layer(server, { excludeTestServices: true })("cancelling", (it) => {
  it.effect("cancels a deployment in progress, and restores the last successful one", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "web", image: "ready:1" }, { name: "gone" }]))
      yield* finished(org, yield* deploy(org, [{ name: "web", image: "broken:1" }, { name: "gone" }]))
      const slow = yield* deploy(org, [{ name: "web", image: "slow:1" }, { name: "more" }])
      const cancelled = yield* cancel(org, slow.number)
      expect(cancelled.status).toStrictEqual({
        state: "cancelled",
        reason: "Cancelled",
        message: "Cancelled. Deployment 4 restores deployment 1."
      })
      expect((yield* eventsOf(org, slow.id)).at(-1)?.reason).toBe("Cancelled")
      const restoring = yield* finished(org, yield* newest(org))
      expect(restoring).toMatchObject({ number: 4, kind: "rollback", fromDeployment: 1 })
      expect(restoring.status.state).toBe("succeeded")
      expect(yield* images(org)).toStrictEqual([
        ["gone", "ready:1"],
        ["web", "ready:1"]
      ])
      // Again, and concurrently: one deployment is restored, once.
      const again = yield* Effect.forEach([1, 2, 3], () => cancel(org, slow.number), { concurrency: 3 })
      for (const each of again) expect(each.status).toStrictEqual(cancelled.status)
      expect((yield* newest(org)).number).toBe(4)
    })
  )

  it.effect("removes what a first deployment has started, whatever the quota", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const first = yield* deploy(org, [{ name: "web", image: "slow:1" }])
      yield* Effect.flatMap(Quotas, (quotas) => quotas.set(org.id, { deploymentsPerHour: 1 }))
      yield* Effect.forEach([1, 2, 3], () => cancel(org, first.number), { concurrency: 3 })
      const restoring = yield* finished(org, yield* newest(org))
      expect(restoring).toMatchObject({ number: 2, kind: "destroy" })
      expect(yield* images(org)).toStrictEqual([])
    })
  )

  it.effect("leaves the newest deployment alone if an older one is named, and refuses finished ones", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const org = yield* newOrganization
      const done = yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      const slow = yield* deploy(org, [{ name: "web", image: "slow:1" }])
      const last = yield* deploy(org, [{ name: "web", image: "ready:2" }])
      yield* finished(org, last)
      yield* finished(org, slow)
      for (const number of [done.number, slow.number, last.number]) {
        expect((yield* Effect.flip(cancel(org, number)))._tag).toBe("Conflict")
      }
      expect((yield* Effect.flip(cancel(org, 9)))._tag).toBe("NotFound")
      expect((yield* Effect.flip(cancel(yield* newOrganization, 1)))._tag).toBe("NotFound")
      // As if no pass had seen the newer one yet.
      yield* sql`update deployments set state = 'running', finished_at = null where id = ${slow.id}`
      expect((yield* cancel(org, slow.number)).status.state).toBe("cancelled")
      const [entry] = yield* listEntries(org.id, { limit: 1 })
      expect([entry?.action, entry?.subject]).toStrictEqual(["apps.cancel", "deployment 2 of shop/production"])
      expect((yield* newest(org)).number).toBe(last.number)
      expect(yield* images(org)).toStrictEqual([["web", "ready:2"]])
    })
  )

  it.effect("refuses a restore that would break a link between apps, and leaves the deployment as it is", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const billing = AppName.make("billing")
      const exporting = (to: ReadonlyArray<string>) =>
        Effect.flatMap(Deployments, (deployments) =>
          deployments.accept({
            organization: org,
            app: billing,
            stage: productionStage,
            from: {
              spec: {
                app: billing,
                services: [{ name: "api", image: "ready:1" }],
                exports: to.length === 0 ? {} : { api: { to } }
              }
            }
          })
        )
      const linked = { name: "web", env: { BILLING: { external: "billing/api", property: "url" } } }
      yield* exporting(["shop"])
      yield* finished(org, yield* deploy(org, [linked]))
      const slow = yield* deploy(org, [{ name: "web", image: "slow:1" }])
      // Nobody uses the export any more, so it may be removed.
      yield* exporting([])
      const refused = yield* Effect.flip(cancel(org, slow.number))
      expect(refused._tag).toBe("Conflict")
      expect(refused.message).toBe(
        `Deployment 2 can't be cancelled, because restoring deployment 1 would break a link between apps. The app "billing" (production) doesn't export "api" to "shop". Add it to the config of "billing" and deploy that first: exports: { api: { to: ["shop"] } }. You can also replace this deployment with a new one: \`maxcloud deploy\`.`
      )
      expect(["queued", "running"]).toContain((yield* newest(org)).status.state)
      expect((yield* newest(org)).number).toBe(2)
      yield* exporting(["shop"])
      expect((yield* cancel(org, slow.number)).status.state).toBe("cancelled")
      expect(yield* finished(org, yield* newest(org))).toMatchObject({ number: 3, kind: "rollback", fromDeployment: 1 })

      // The other way round: the service to remove is used by now.
      const first = yield* newOrganization
      const started = yield* deploy(first, [{ name: "web", image: "slow:1" }])
      const sql = yield* SqlClient
      yield* sql`
        insert into app_links (organization_id, app, stage, service, to_app, to_stage, to_service, uses_public_url)
        values (${first.id}, 'shop', 'production', 'web', 'shop', 'production', 'web', false)`
      const used = yield* Effect.flip(cancel(first, started.number))
      expect(used._tag).toBe("Conflict")
      expect(used.message).toContain("because removing what it has started would break a link between apps")
    })
  )
})
