import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, OrganizationName, SecretName, ServiceName, SourceDigest, StageName } from "@maxcloud/config-schema"
import { Email, type OrganizationId, Role, type SessionGrant, SessionId } from "@maxcloud/sdk/api"
import { namespaceOf } from "@maxcloud/synth"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { newId } from "../../src/base/database/newId.ts"
import { storableJson } from "../../src/base/database/storable.ts"
import { Deployments } from "../../src/control/deployments/Deployments.ts"
import { DriftLog } from "../../src/control/drift/DriftLog.ts"
import { type PrivacyOptions, layer as privacy } from "../../src/control/privacy/layer.ts"
import { LogStore } from "../../src/runtimes/local/logs/LogStore.ts"
import { layerNone } from "../../src/runtimes/port/RuntimeStores.ts"
import { RegistryCredentials } from "../../src/stores/images/credentials/RegistryCredentials.ts"
import { layer as credentials } from "../../src/stores/images/credentials/SealedCredentials.ts"
import { LogHistory, layerFolder } from "../../src/stores/logs/LogHistory.ts"
import { timeOf } from "../../src/stores/logs/LogLine.ts"
import { Secrets } from "../../src/stores/secrets/Secrets.ts"
import { SourceStore } from "../../src/stores/sources/SourceStore.ts"
import { layer as sources } from "../../src/stores/sources/sourceStoreLayer.ts"
import { type Caller, ClientAddress, CurrentCaller } from "../../src/tenancy/access/Caller.ts"
import { Audit } from "../../src/tenancy/audit/Audit.ts"
import { Accounts, Devices } from "../../src/tenancy/identity/Accounts.ts"
import { ApiKeys } from "../../src/tenancy/identity/keys/ApiKeys.ts"
import { layer as apiKeys } from "../../src/tenancy/identity/keys/PostgresApiKeys.ts"
import { Invites } from "../../src/tenancy/identity/Members.ts"
import * as PostgresAccounts from "../../src/tenancy/identity/PostgresAccounts.ts"
import * as PostgresDevices from "../../src/tenancy/identity/PostgresDevices.ts"
import * as PostgresInvites from "../../src/tenancy/identity/PostgresInvites.ts"
import * as PostgresMembers from "../../src/tenancy/identity/PostgresMembers.ts"
import * as PostgresSessions from "../../src/tenancy/identity/PostgresSessions.ts"
import { hexOf, parseToken } from "../../src/tenancy/identity/tokens.ts"
import { layer as rateLimits } from "../../src/tenancy/limits/PostgresRateLimits.ts"
import { MailError, MailTransport } from "../../src/tenancy/mail/Mail.ts"
import { layer as mail } from "../../src/tenancy/mail/PostgresMail.ts"
import { KeptAnswers } from "../../src/tenancy/repeats/KeptAnswers.ts"
import { layer as keptAnswers } from "../../src/tenancy/repeats/PostgresKeptAnswers.ts"
import { databaseTest } from "../database/layerTest.ts"
import type { FakeRuntime } from "../deployments/fakeRuntime.ts"
import { finished, testServer } from "../deployments/testServer.ts"
import { digestOf as digestOfTar, tarOf } from "../sources/tar.ts"

/** Mails are never sent, so that they stay in the outbox. */
const noTransport = Layer.succeed(MailTransport, {
  name: "log",
  send: () => Effect.fail(new MailError({ message: "nobody takes mails here", final: false }))
})

const identity = { registration: "open", publicUrl: "https://cloud.example.com", signInFloorMs: 0 } as const

/** Everything that stores data of organizations and people, except `Privacy`. */
export const testStores = (fake: FakeRuntime, dataDir: string) =>
  Layer.mergeAll(
    PostgresAccounts.layer(identity),
    PostgresDevices.layer(identity),
    PostgresSessions.layer(identity),
    PostgresMembers.layer,
    PostgresInvites.layer(identity),
    apiKeys,
    credentials({ dataDir }),
    keptAnswers(),
    sources({ dataDirectory: dataDir }),
    LogStore.layer({ directory: join(dataDir, "logs") }),
    layerFolder({ directory: join(dataDir, "cluster-logs") }),
    layerNone
  ).pipe(
    Layer.provideMerge(mail()),
    Layer.provideMerge(Layer.mergeAll(rateLimits, noTransport)),
    Layer.provideMerge(testServer(fake.layer, dataDir)),
    Layer.provideMerge(databaseTest({ dataDir }))
  )

export const testPrivacy = (options: PrivacyOptions) => privacy({ againMs: 20, lookMs: 1_000, ...options })

/** The caller of a session. */
export const callerOf = (grant: SessionGrant, id: OrganizationId): Caller => ({
  organization: { id, name: grant.organization },
  roles: [Schema.decodeUnknownSync(Role)(grant.role)],
  scopes: undefined,
  credential: { type: "session", id: SessionId.make(`ses_${hexOf(parseToken("session", grant.token)?.id ?? "")}`) },
  person: { ...grant.user, verified: true }
})

const idOf = (name: string) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ id: OrganizationId }>`select id from organizations where name = ${name}`
  ).pipe(
    Effect.flatMap(([row]) => Effect.fromNullable(row?.id)),
    Effect.orDie
  )

/** Registers a person with an organization. */
export const registered = (email: string, organization: string) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const input = { email: Schema.decodeSync(Email)(email), organization: OrganizationName.make(organization) }
    const grant = yield* accounts.register(input)
    return callerOf(grant, yield* idOf(organization))
  })

export const acting =
  (caller: Caller) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(Effect.provideService(CurrentCaller, caller), Effect.provideService(ClientAddress, "203.0.113.7"))

/** Words that appear only where they are planted. `sealed`: never in plain text. */
export const wordsOf = (letter: string) => {
  const word = (what: string) => `zq${letter}${what}${randomBytes(3).toString("hex")}`
  const visible = {
    email: word("mail"),
    organization: word("org"),
    app: word("app"),
    stage: word("stg"),
    service: word("svc"),
    env: word("env"),
    envName: word("name").toUpperCase(),
    image: word("img"),
    secretName: word("sec").toUpperCase(),
    registryHost: word("reg"),
    registryUser: word("usr"),
    keyName: word("key"),
    invited: word("inv"),
    claim: word("claim"),
    trust: word("trust"),
    idempotency: word("idem"),
    message: word("msg"),
    commit: word("cmt"),
    logLine: word("log"),
    keptLine: word("kept"),
    sourceName: word("file"),
    source: word("text"),
    drift: word("drift"),
    instance: word("pod"),
    object: word("obj"),
    device: word("dev")
  }
  return {
    visible,
    sealed: {
      secret: word("value"),
      password: word("pass"),
      audit: word("audit"),
      request: word("digest"),
      answer: word("answer")
    }
  }
}
export type Words = ReturnType<typeof wordsOf>

/** Plants a word in every place that stores an organization's text, through the services' own interfaces where possible. */
export const plant = ({ sealed, visible }: Words) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const caller = yield* registered(`${visible.email}@example.com`, visible.organization)
    const { organization, person } = caller
    const app = AppName.make(visible.app)
    const stage = StageName.make(visible.stage)
    const service = ServiceName.make(visible.service)
    const secret = SecretName.make(visible.secretName)
    const scope = { organizationId: organization.id, app, stage }
    const namespace = namespaceOf({ organization: organization.name, app, stage, namespacePrefix: "" })
    yield* Effect.gen(function* () {
      yield* Effect.flatMap(Secrets, (secrets) => secrets.set(scope, secret, Redacted.make(sealed.secret)))
      yield* Effect.flatMap(RegistryCredentials, (registryCredentials) =>
        registryCredentials.set(
          organization.id,
          `${visible.registryHost}.example.com`,
          visible.registryUser,
          Redacted.make(sealed.password)
        )
      )
      const deployment = yield* Effect.flatMap(Deployments, (deployments) =>
        deployments.accept({
          organization,
          app,
          stage,
          message: visible.message,
          metadata: { commit: visible.commit },
          from: {
            spec: {
              app,
              services: [
                {
                  name: service,
                  image: `ready.example.com/${visible.image}:1`,
                  env: { [visible.envName]: visible.env, SECRET: { secret } }
                }
              ]
            }
          }
        })
      )
      yield* finished(organization, deployment)
      yield* Effect.flatMap(KeptAnswers, (answers) =>
        answers.once(
          {
            organizationId: organization.id,
            caller: "local",
            operation: "apps.deploy",
            key: visible.idempotency,
            digest: sealed.request
          },
          Effect.succeed({ value: undefined, succeeded: true, answer: sealed.answer })
        )
      )
      yield* Effect.flatMap(ApiKeys, (apiKeys) => apiKeys.create(caller, { name: visible.keyName, scopes: [] }))
      yield* Effect.flatMap(Invites, (invites) =>
        invites.create(caller, {
          email: Schema.decodeSync(Email)(`${visible.invited}@example.com`),
          role: "viewer",
          expiresInSeconds: 3600
        })
      )
      yield* Effect.flatMap(Devices, (devices) =>
        Effect.flatMap(devices.start(visible.device), ({ userCode }) =>
          person === undefined ? Effect.void : devices.approve(userCode, person.id, organization.name)
        )
      )
      yield* Effect.flatMap(DriftLog, (driftLog) =>
        driftLog.record({
          key: { organizationId: organization.id, organization: organization.name, app, stage, namespace },
          object: { apiVersion: "v1", kind: "Secret", name: visible.drift },
          change: "edited",
          manager: visible.drift,
          fields: [visible.drift],
          at: new Date()
        })
      )
      yield* Effect.flatMap(Audit, (audit) =>
        audit.append({ action: "apps.plan", outcome: "succeeded", status: 200, subject: sealed.audit })
      )
    }).pipe(acting(caller))
    yield* sql`
      insert into oidc_trusts (organization_id, id, name, issuer, claims, role)
      values (${organization.id}, ${newId("oidc")}, ${visible.trust}, 'https://issuer.example.com',
        ${storableJson({ sub: visible.claim })}::jsonb, 'deployer')`
    yield* sql`
      insert into instances (organization_id, uid, app, stage, service, revision, instance, started_at, seen_at, cpu_milli,
        memory_bytes)
      values (${organization.id}, ${visible.instance}, ${app}, ${stage}, ${service}, 'r', ${visible.instance}, now(), now(), 1, 1)`
    yield* sql`
      insert into runtime_objects (organization_id, namespace, kind, name, generation, manifest, status)
      values (${organization.id}, ${namespace}, 'Secret', ${visible.object}, 1, '{}', '{}')`
    yield* sql`
      insert into organization_quotas (organization_id, services) values (${organization.id}, 1000)`

    const writer = (yield* LogStore).writer({
      organizationId: organization.id,
      namespace,
      service,
      revision: "r",
      instance: "i"
    })
    writer.write("stdout", Buffer.from(`${visible.logLine}\n`))
    yield* Effect.promise(() => writer.close())
    yield* Effect.flatMap(LogHistory, (logHistory) =>
      logHistory.write({ organizationId: organization.id, namespace, service }, [
        {
          t: timeOf(Date.now()),
          n: 0,
          uid: "u",
          instance: "i",
          revision: "r",
          line: visible.keptLine,
          truncated: false
        }
      ])
    )
    const files = [{ path: `${visible.sourceName}.txt`, content: visible.source }]
    const digest = Schema.decodeSync(SourceDigest)(digestOfTar(files))
    const store = yield* SourceStore
    yield* store.put(organization.id, digest, Stream.make(tarOf(files)))
    yield* store.built(organization.id, { digest, hasCommand: true })
    return caller
  })

const startsWith = (bytes: Buffer, ...magic: ReadonlyArray<number>) =>
  magic.every((byte, index) => bytes[index] === byte)

/** Archives are gzip, stored log chunks zstd. */
const textOf = (path: string): string => {
  const bytes = readFileSync(path)
  if (startsWith(bytes, 0x1f, 0x8b)) return gunzipSync(bytes).toString("latin1")
  if (startsWith(bytes, 0x28, 0xb5, 0x2f, 0xfd)) return zstdDecompressSync(bytes).toString("latin1")
  return bytes.toString("latin1")
}

/** Which of the words appear in a folder's files: in their contents (unpacked), or their names. */
export const wordsInFiles = (folder: string, words: ReadonlyArray<string>, except: (path: string) => boolean) => {
  const found = new Set<string>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (except(path)) continue
    const text = `${path}\n${entry.isFile() ? textOf(path) : ""}`.toLowerCase()
    for (const word of words) if (text.includes(word.toLowerCase())) found.add(word)
  }
  return found
}

/** Which of the words appear in rows of any table: as text, or in the bytes of a column. */
export const wordsInTables = (words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const tables = yield* sql<{ name: string }>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'migrations'`
    const found = new Set<string>()
    for (const { name } of tables) {
      const rows = yield* sql<{ word: string }>`
        select w.word from unnest(string_to_array(${words.join(",")}, ',')) as w (word) where exists (
          select 1 from ${sql(name)} t
          where lower(t::text) like '%' || lower(w.word) || '%'
            or lower(t::text) like '%' || encode(convert_to(w.word, 'UTF8'), 'hex') || '%')`
      for (const { word } of rows) found.add(word)
    }
    return found
  })
