import { SqlClient } from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import { productionStage, SecretName } from "@maxcloud/config-schema"
import { ApiKeyId, OidcTrustId, SessionId, UserId } from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted } from "effect"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, shop, testServer } from "../../../../test/deployments/testServer.ts"
import { listDeployments, listServices } from "../../../../test/wholeLists.ts"
import { newId } from "../../../base/database/newId.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Secrets } from "../../../stores/secrets/Secrets.ts"
import { type Caller, CurrentCaller } from "../../../tenancy/access/Caller.ts"
import { erasePersonRows } from "../../privacy/eraseRows.ts"
import { Deployments } from "../Deployments.ts"

const server = Layer.unwrapScoped(
  Effect.gen(function* () {
    const fake = yield* makeFakeRuntime
    const dataDir = yield* madeDataDir
    return testServer(fake.layer, dataDir, { resyncMs: 60_000 }).pipe(Layer.provideMerge(databaseTest({ dataDir })))
  })
)

const target = (organization: Organization) => ({ organization, app: shop, stage: productionStage })

const by = (organization: Organization, credential: Caller["credential"], person?: Caller["person"]) =>
  Effect.provideService(CurrentCaller, { organization, roles: ["owner"], scopes: undefined, credential, person })

layer(server, { excludeTestServices: true })("the origin of a deployment", (it) => {
  it.effect("names the person, the key or the token, and nobody for the user of this machine", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const org = yield* newOrganization
      const person = { id: UserId.make(newId("usr")), email: "ada@example.com", verified: true }
      const key = ApiKeyId.make(newId("key"))
      yield* asServer(sql`insert into users (id, email) values (${person.id}, ${person.email})`)
      yield* sql`
        insert into api_keys (organization_id, id, name, prefix, token_hash, role, created_by)
        values (${org.id}, ${key}, 'ci', ${key}, '\\x00', 'deployer', ${person.id})`
      const web = [{ name: "web" }]
      const made = [
        yield* deploy(org, web),
        yield* deploy(org, web).pipe(by(org, { type: "session", id: SessionId.make(newId("ses")) }, person)),
        yield* deploy(org, web).pipe(by(org, { type: "key", id: key }, person)),
        yield* deploy(org, web).pipe(
          by(org, {
            type: "oidc",
            id: OidcTrustId.make(newId("oidc")),
            issuer: "https://ci.example",
            subject: "repo:a/b"
          })
        )
      ]
      expect(made.map((each) => each.createdBy)).toStrictEqual([
        null,
        { type: "person", id: person.id, name: "ada@example.com" },
        { type: "apiKey", id: key, name: "ci" },
        { type: "oidc", id: "repo:a/b", name: "repo:a/b" }
      ])

      // Of an erased person, and their keys, only a meaningless id is left.
      yield* asServer(erasePersonRows(person.id, true))
      const names = (yield* listDeployments(org, shop, productionStage)).map((each) => each.createdBy?.name)
      expect(names).toStrictEqual(["repo:a/b", null, null, undefined])
      const [found] = yield* sql<{ count: number }>`
        select count(*)::int as count from deployments d where d::text like '%ada@example.com%'`
      expect(found?.count).toBe(0)
    })
  )

  it.effect("includes its kind, message and metadata", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { accept, deleteService, destroy } = yield* Deployments
      const spec = {
        app: "shop",
        services: [
          { name: "web", image: "ready:1" },
          { name: "api", image: "ready:1" }
        ]
      }
      yield* accept({ ...target(org), from: { spec }, message: "Larger carts", metadata: { commit: "abc" } })
      yield* accept({ ...target(org), from: { deployment: 1 } })
      const [api] = yield* listServices(org)
      if (api === undefined) return expect.unreachable("no service")
      yield* deleteService(org, api.id)
      yield* destroy(org, shop, productionStage)
      const told = (yield* listDeployments(org, shop, productionStage)).map((each) => [
        each.number,
        each.kind,
        each.fromDeployment,
        each.message,
        each.metadata
      ])
      expect(told).toStrictEqual([
        [4, "destroy", null, null, {}],
        [3, "delete", null, null, {}],
        [2, "rollback", 1, null, {}],
        [1, "deploy", null, "Larger carts", { commit: "abc" }]
      ])
    })
  )

  it.effect("an earlier deployment is deployed again with its own secret versions, and read as it was accepted", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const secrets = yield* Secrets
      const { accept, spec } = yield* Deployments
      const name = SecretName.make("TOKEN")
      const scope = { organizationId: org.id, app: shop, stage: productionStage }
      const web = { name: "web", env: { TOKEN: { secret: "TOKEN" } } }
      yield* secrets.set(scope, name, Redacted.make("first"))
      yield* finished(org, yield* deploy(org, [web]))
      yield* secrets.set(scope, name, Redacted.make("second"))
      yield* finished(org, yield* deploy(org, [{ ...web, image: "ready:2" }]))
      // A secret that was unset since doesn't prevent it.
      yield* secrets.unset(scope, name)
      const again = yield* finished(org, yield* accept({ ...target(org), from: { deployment: 1 } }))
      expect(again).toMatchObject({ number: 3, kind: "rollback", fromDeployment: 1 })
      expect(again.status.state).toBe("succeeded")
      const read = (number: number) => spec(org, shop, productionStage, number)
      expect(yield* read(3)).toStrictEqual(yield* read(1))
      expect((yield* read(3)).spec.services[0]).toMatchObject({ name: "web", image: "ready:1", env: web.env })
      expect((yield* read(3)).secretVersions).toStrictEqual({ TOKEN: 1 })
      expect((yield* read(2)).secretVersions).toStrictEqual({ TOKEN: 2 })
      expect(JSON.stringify(yield* read(1))).not.toContain("first")

      const other = yield* newOrganization
      const missing: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        spec(org, shop, productionStage, 9),
        spec(other, shop, productionStage, 1),
        accept({ ...target(org), from: { deployment: 9 } }),
        accept({ ...target(other), from: { deployment: 1 } })
      ]
      for (const each of missing) {
        const error = yield* Effect.flip(each)
        expect(error._tag).toBe("NotFound")
      }
    })
  )
})
