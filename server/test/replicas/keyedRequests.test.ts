import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { layer as keys } from "../../src/base/keys/layer.ts"
import { Audit } from "../../src/tenancy/audit/Audit.ts"
import * as PostgresAudit from "../../src/tenancy/audit/PostgresAudit.ts"
import { Organizations, layer as organizations } from "../../src/tenancy/organizations/Organizations.ts"
import { KeptAnswers } from "../../src/tenancy/repeats/KeptAnswers.ts"
import { layer as keptAnswers } from "../../src/tenancy/repeats/PostgresKeptAnswers.ts"
import { databaseTest } from "../database/layerTest.ts"
import { startPostgres } from "./startPostgres.ts"

/** Starts a server with the request, and kills it when it reports that it has reached this step. */
const killedAt = (
  until: "begun" | "committed",
  environment: NodeJS.ProcessEnv,
  dataDir: string,
  organizationId: OrganizationId,
  key: string
) =>
  Effect.promise(async () => {
    const program = join(import.meta.dirname, "keyedReplica.ts")
    const child = spawn(process.execPath, [program, dataDir, organizationId, key, until], {
      env: { ...process.env, ...environment, NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
      stdio: ["ignore", "pipe", "inherit"]
    })
    const ended = once(child, "exit")
    const [word] = await once(child.stdout, "data")
    expect(String(word).trim()).toBe(until)
    child.kill("SIGKILL")
    await ended
  })

describe("a server killed during a request with a key", () => {
  it("does nothing, or something that is never repeated, and leaves no lock behind", {
    timeout: 40_000
  }, async () => {
    const postgres = await startPostgres()
    const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-keyed-"))
    const other = keptAnswers().pipe(
      Layer.provideMerge(PostgresAudit.layer()),
      Layer.provideMerge(Layer.merge(keys({ dataDir }), organizations)),
      Layer.provideMerge(
        databaseTest({
          dataDir,
          url: Redacted.make(postgres.environment.DATABASE_URL),
          migrationUrl: Redacted.make(postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL)
        })
      )
    )
    const test = Effect.gen(function* () {
      const { create } = yield* Organizations
      const { id } = yield* create(OrganizationName.make("acme"))
      const answers = yield* KeptAnswers
      const audit = yield* Audit
      const sql = yield* SqlClient
      const ask = (key: string) =>
        answers.once(
          { organizationId: id, caller: "local", operation: "services.create", key, digest: "d" },
          Effect.as(
            audit.append({ action: "x", outcome: "succeeded", status: 201, subject: "a thing", organizationId: id }),
            { value: "done", succeeded: true, answer: "done" }
          )
        )
      const done = Effect.map(sql`select 1 from audit_entries where organization_id = ${id}`, (rows) => rows.length)
      const settled = (key: string) =>
        Effect.either(
          Effect.retry(ask(key), {
            while: (error) => error._tag === "RequestInProgress",
            schedule: Schedule.spaced("100 millis")
          })
        )

      yield* killedAt("begun", postgres.environment, dataDir, id, "one")
      expect(yield* Effect.flip(ask("one"))).toMatchObject({ _tag: "RequestInProgress" })
      expect(yield* settled("one")).toMatchObject({ right: { _tag: "now", again: false } })
      expect(yield* done).toBe(1)

      yield* killedAt("committed", postgres.environment, dataDir, id, "two")
      expect(yield* settled("two")).toMatchObject({ left: { _tag: "AnswerLost" } })
      expect(yield* done).toBe(2)
    })
    try {
      await Effect.runPromise(Effect.provide(test, other))
    } finally {
      await postgres.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
