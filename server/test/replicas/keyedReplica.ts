import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted, Schema } from "effect"
import * as Database from "../../src/base/database/Database.ts"
import { asOrganization } from "../../src/base/database/RowScope.ts"
import { transaction } from "../../src/base/database/sqlErrors.ts"
import { layer as keys } from "../../src/base/keys/layer.ts"
import { Audit } from "../../src/tenancy/audit/Audit.ts"
import * as PostgresAudit from "../../src/tenancy/audit/PostgresAudit.ts"
import { KeptAnswers } from "../../src/tenancy/repeats/KeptAnswers.ts"
import { layer as keptAnswers } from "../../src/tenancy/repeats/PostgresKeptAnswers.ts"

/** A server that starts a request with a key, reports its progress, and never answers: it is there to be killed. */
const [dataDir = "", organization = "", key = "", until = ""] = process.argv.slice(2)
const organizationId = Schema.decodeUnknownSync(OrganizationId)(organization)
const url = Redacted.make(process.env["DATABASE_URL"] ?? "")
const migrationUrl = Redacted.make(process.env["MAXCLOUD_MIGRATION_DATABASE_URL"] ?? "")

const say = (word: string) => Effect.sync(() => void process.stdout.write(`${word}\n`))
const act = Effect.gen(function* () {
  const audit = yield* Audit
  yield* audit.append({ action: "x", outcome: "succeeded", status: 201, subject: "a thing", organizationId })
})

Effect.runFork(
  Effect.gen(function* () {
    const answers = yield* KeptAnswers
    const carryOut = Effect.gen(function* () {
      yield* until === "begun" ? say(until) : Effect.andThen(transaction(act), say(until))
      return yield* Effect.never
    })
    yield* answers.once({ organizationId, caller: "local", operation: "services.create", key, digest: "d" }, carryOut)
  }).pipe(
    asOrganization(organizationId),
    Effect.provide(
      keptAnswers().pipe(
        Layer.provideMerge(PostgresAudit.layer()),
        Layer.provideMerge(keys({ dataDir })),
        Layer.provideMerge(Database.layer({ dataDir, url, migrationUrl }))
      )
    )
  )
)
