import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { ChangeWebhook, CreateWebhook, type OrganizationId, PolicyName, type WebhookId } from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted, Schema } from "effect"
import { MasterKeyError } from "../../src/base/keys/MasterKey.ts"
import { RegistryCredentials } from "../../src/stores/images/credentials/RegistryCredentials.ts"
import * as SealedCredentials from "../../src/stores/images/credentials/SealedCredentials.ts"
import { Audit } from "../../src/tenancy/audit/Audit.ts"
import { Policies } from "../../src/tenancy/policies/Policies.ts"
import * as PostgresPolicies from "../../src/tenancy/policies/PostgresPolicies.ts"
import * as PostgresWebhooks from "../../src/tenancy/webhooks/PostgresWebhooks.ts"
import { Webhooks } from "../../src/tenancy/webhooks/Webhooks.ts"
import { databaseTest, madeDataDir } from "../database/layerTest.ts"
import { makeFakeRuntime } from "../deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../deployments/testServer.ts"
import { runtimeTests } from "../runtimeTests.ts"
import { listEntries } from "../wholeLists.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
let dataDir = ""
const writers = () =>
  Layer.fresh(
    Layer.mergeAll(
      PostgresWebhooks.layer({ allowPrivate: true }),
      PostgresPolicies.layer,
      SealedCredentials.layer({ dataDir })
    )
  )
const { test } = runtimeTests(
  Layer.unwrapScoped(
    Effect.map(madeDataDir, (folder) => {
      dataDir = folder
      return writers().pipe(
        Layer.provideMerge(testServer(fake.layer, folder, { resyncMs: 3_600_000 })),
        Layer.provideMerge(databaseTest({ dataDir: folder }))
      )
    })
  )
)

const url = "https://hooks.example.com/in/a-key-in-a-path?key=a-key-in-a-url"
const addWebhook = (id: OrganizationId) =>
  Effect.flatMap(Webhooks, (webhooks) => webhooks.create(id, Schema.decodeUnknownSync(CreateWebhook)({ url })))
const setPolicy = (id: OrganizationId, expression = "true") =>
  Effect.flatMap(Policies, (policies) =>
    policies.set(id, PolicyName.make("small"), { expression, enforcement: "refuse" })
  )
const logIn = (id: OrganizationId, username = "bot") =>
  Effect.flatMap(RegistryCredentials, (credentials) =>
    credentials.set(id, "ghcr.io", username, Redacted.make("a-password"))
  )
const webhookCalls = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.map(Webhooks, (webhooks) => [
    webhooks.change(organizationId, id, Schema.decodeUnknownSync(ChangeWebhook)({ description: "alerts" })),
    webhooks.rotateSecret(organizationId, id, 60),
    webhooks.test(organizationId, id),
    webhooks.remove(organizationId, id)
  ])

/** The rows of an organization that these writers change. */
const rowsOf = (id: OrganizationId) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.all([
      sql`select * from webhooks where organization_id = ${id}`,
      sql`select * from webhook_secrets where organization_id = ${id} order by id`,
      sql`select * from webhook_deliveries where organization_id = ${id}`,
      sql`select * from policies where organization_id = ${id}`,
      sql`select * from registry_credentials where organization_id = ${id}`
    ])
  )

describe("the entry of a change", () => {
  test(
    "of a webhook, a policy or a registry's login names it, once, without a secret",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* addWebhook(id)
      const webhooks = yield* Webhooks
      for (const call of yield* webhookCalls(id, webhook.id)) yield* call
      const { webhook: other } = yield* addWebhook(id)
      const sent = yield* webhooks.test(id, other.id)
      yield* webhooks.redeliver(id, other.id, sent.id)
      yield* setPolicy(id)
      yield* setPolicy(id, "false")
      yield* Effect.flatMap(Policies, (policies) => policies.remove(id, PolicyName.make("small")))
      yield* logIn(id)
      yield* logIn(id, "robot")
      const credentials = yield* RegistryCredentials
      expect(yield* credentials.remove(id, "ghcr.io")).toBe(true)
      expect(yield* credentials.remove(id, "ghcr.io")).toBe(false)

      const entries = (yield* listEntries(id, { limit: 100 })).toReversed()
      const at = "https://hooks.example.com"
      expect(entries.map((entry) => [entry.action, entry.status, entry.subject])).toStrictEqual([
        ["webhooks.create", 201, `webhook ${webhook.id} ${at}`],
        ["webhooks.change", 200, `webhook ${webhook.id} ${at}`],
        ["webhooks.rotateSecret", 201, `webhook ${webhook.id} ${at}`],
        ["webhooks.test", 202, expect.stringContaining(`webhook ${webhook.id} delivery dlv_`)],
        ["webhooks.delete", 204, `webhook ${webhook.id} ${at}`],
        ["webhooks.create", 201, `webhook ${other.id} ${at}`],
        ["webhooks.test", 202, `webhook ${other.id} delivery ${sent.id} ${at}`],
        ["webhooks.redeliver", 202, `webhook ${other.id} delivery ${sent.id} ${at}`],
        ["policies.set", 200, "policy small"],
        ["policies.set", 200, "policy small"],
        ["policies.remove", 204, "policy small"],
        ["registries.login", 200, "registry ghcr.io as bot"],
        ["registries.login", 200, "registry ghcr.io as robot"],
        ["registries.logout", 204, "registry ghcr.io as robot"]
      ])
      const digests = entries.map((entry) => [entry.beforeDigest, entry.afterDigest])
      const [created, changed, , , removed] = digests
      expect([created?.[0], created?.[1]]).toStrictEqual([null, changed?.[0]])
      expect([removed?.[0], removed?.[1]]).toStrictEqual([changed?.[1], null])
      expect(changed?.[0]).not.toBe(changed?.[1])
      expect(digests.slice(8).map(([before]) => before)).toStrictEqual([
        null,
        digests[8]?.[1],
        digests[9]?.[1],
        null,
        digests[11]?.[1],
        digests[12]?.[1]
      ])
      expect(JSON.stringify(entries)).not.toMatch(/a-key-in-a-url|a-password|whsec_/)
    })
  )

  test(
    "that can't be written undoes the change",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* addWebhook(id)
      yield* setPolicy(id)
      yield* logIn(id)
      const before = yield* rowsOf(id)
      const append = () => Effect.fail(new MasterKeyError({ reason: "unreachable", message: "no key" }))
      const { page, export: exported } = yield* Audit
      const failing = yield* Layer.build(
        Layer.provide(writers(), Layer.succeed(Audit, { append, page, export: exported }))
      )
      const attempts: ReadonlyArray<Effect.Effect<unknown, unknown, Webhooks | Policies | RegistryCredentials>> = [
        addWebhook(id),
        setPolicy(id, "false"),
        logIn(id, "robot"),
        Effect.flatMap(Policies, (policies) => policies.remove(id, PolicyName.make("small"))),
        Effect.flatMap(RegistryCredentials, (credentials) => credentials.remove(id, "ghcr.io")),
        ...(yield* Effect.provide(webhookCalls(id, webhook.id), failing))
      ]
      for (const attempt of attempts) {
        expect(String(yield* Effect.flip(Effect.provide(attempt, failing)))).toContain("no key")
        expect(yield* rowsOf(id)).toStrictEqual(before)
      }
    }).pipe(Effect.scoped)
  )
})
