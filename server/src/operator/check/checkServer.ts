import { existsSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId } from "@maxcloud/sdk/api"
import { verifyAuditExport } from "@maxcloud/sdk/effect"
import { Effect, Either, Logger, Schema, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { errorText } from "../../base/host/systemFault.ts"
import { MasterKey } from "../../base/keys/MasterKey.ts"
import { layerExisting } from "../../base/keys/masterKeyLayer.ts"
import { backupFolderOf, backupsIn } from "../../base/postgres/backupFiles.ts"
import { wayBack } from "../../base/postgres/wayBack.ts"
import { readSettings, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import type { Chain } from "../../tenancy/audit/chain.ts"
import { ownerConnection } from "../backup/backupDatabase.ts"
import { verifyBackup } from "../backup/verifyBackup.ts"
import type { OperatorResult } from "../commands/OperatorResult.ts"
import { operatorLayer } from "../commands/runOperator.ts"
import { type CheckFinding, type CheckName, type CheckPart, partOf, skipped } from "./CheckPart.ts"
import { readControlFile } from "./controlFile.ts"
import { checkLogs, checkSources } from "./keptFiles.ts"
import { checkPages } from "./pages.ts"

export interface ServerCheck {
  /** Is everything that could be checked as it was written? */
  readonly ok: boolean
  readonly parts: ReadonlyArray<CheckPart>
}

const isEmbedded = ({ databaseUrl }: ServerSettings) => databaseUrl === undefined

const checkControl = (settings: ServerSettings): CheckPart => {
  if (!isEmbedded(settings)) return skipped("control", "files", "The server uses the database of DATABASE_URL.")
  const data = join(settings.dataDir, "postgres/data")
  const { checksums, fault } = readControlFile(data)
  const where = join(data, "global/pg_control")
  const fix = wayBack(settings.dataDir, settings.backupFolder)
  if (fault !== undefined) return partOf("control", "files", 1, [{ where, message: fault, fix }])
  return partOf(
    "control",
    "files",
    1,
    [],
    checksums === false
      ? "Pages of this database have no checksums, so damage shows only if a page can't be read. To get checksums, back up the server and restore into a new folder."
      : undefined
  )
}

const checkPagesOf = (settings: ServerSettings, control: CheckPart, isUp: boolean) =>
  Effect.gen(function* () {
    if (!isEmbedded(settings)) return skipped("pages", "pages", "The server uses the database of DATABASE_URL.")
    if (control.note !== undefined) return skipped("pages", "pages", control.note)
    const data = join(settings.dataDir, "postgres/data")
    const { damaged, pages } = yield* Effect.promise(() => checkPages(data))
    const fix = wayBack(settings.dataDir, settings.backupFolder)
    const findings = damaged.map(
      ({ block, file, what }): CheckFinding => ({ where: `${join(data, file)}, page ${block}`, message: what, fix })
    )
    const note = "The database doesn't start, so a crash may have left torn pages among them."
    return partOf("pages", "pages", pages, findings, isUp ? undefined : note)
  })

const decodeChains = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))
const isOrganization = Schema.is(OrganizationId)

/** Each chain: the server's own, and one for each present or former organization. */
const checkAudit = Effect.gen(function* () {
  const sql = yield* SqlClient
  const audit = yield* Audit
  const found = decodeChains(yield* sql`select organization_id as id from audit_heads order by 1`)
  const chains: ReadonlyArray<Chain> = ["server", ...found.flatMap(({ id }) => (isOrganization(id) ? [id] : []))]
  const findings: Array<CheckFinding> = []
  let entries = 0
  for (const chain of chains) {
    const lines = Stream.encodeText(Stream.map(audit.export(chain, { keepCheckpoint: false }), (found) => `${found}\n`))
    const verified = yield* verifyAuditExport(lines)
    if (verified.ok) entries += verified.entries
    else {
      findings.push({
        where: `audit log "${chain}"`,
        message: verified.fault.message,
        fix: `Keep an export as evidence, then see docs/audit.md. To repair a head that doesn't fit: maxcloud server audit repair ${chain}. For anything else, restore a backup.`
      })
    }
  }
  return partOf("audit", "entries", entries, findings)
})

const checkBackups = ({ backupFolder, dataDir }: ServerSettings) =>
  Effect.gen(function* () {
    const folder = backupFolderOf(dataDir, backupFolder)
    const backups = backupsIn(folder)
    const findings: Array<CheckFinding> = []
    for (const { path } of backups) {
      const verified = yield* Effect.either(verifyBackup(path))
      if (Either.isRight(verified)) continue
      const fix = "This one can't be restored; the intact ones can. Make another: maxcloud server backup --out FILE."
      findings.push({ where: path, message: verified.left.message, fix })
    }
    const note = backups.length === 0 ? `${folder} contains no automatic backup.` : undefined
    return partOf("backups", "backups", backups.length, findings, note)
  })

/** An unreadable folder is a finding, not a reason to stop: the disk may be failing. */
const orUnread = (name: CheckName, unit: string, { dataDir }: ServerSettings, part: Effect.Effect<CheckPart>) =>
  Effect.catchAllDefect(part, (defect) => {
    const message = `Couldn't read it. ${errorText(defect, dataDir)}`
    const fix = "Run this as the user who runs the server. If the disk is failing, copy what's readable to another one."
    return Effect.succeed(partOf(name, unit, 0, [{ where: dataDir, message, fix }]))
  })

const noDatabase = "No database answers."

const checkAll = (settings: ServerSettings, onPart: (part: CheckPart) => void) =>
  Effect.gen(function* () {
    const parts: Array<CheckPart> = []
    const add = (part: CheckPart) => {
      parts.push(part)
      onPart(part)
    }
    const key = yield* Effect.either(Effect.provide(MasterKey, layerExisting(settings)))
    add(
      Either.isRight(key)
        ? partOf("key", "keys", 1, [])
        : partOf("key", "keys", 1, [
            {
              where: "master key",
              message: key.left.message,
              fix: "Put the key back from where you keep it (docs/secrets.md)."
            }
          ])
    )
    // Before Postgres starts, because that may change the files.
    const control = checkControl(settings)
    add(control)
    const up = yield* Effect.either(ownerConnection(settings))
    add(
      Either.isRight(up)
        ? partOf("database", "databases", 1, [])
        : partOf("database", "databases", 1, [
            {
              where: isEmbedded(settings) ? join(settings.dataDir, "postgres") : "DATABASE_URL",
              message: up.left.message,
              fix: isEmbedded(settings)
                ? "Follow the message. Postgres writes its log to postgres.log in that folder."
                : "Check that Postgres and its log."
            }
          ])
    )
    add(yield* orUnread("pages", "pages", settings, checkPagesOf(settings, control, Either.isRight(up))))
    const audit =
      Either.isRight(up) && Either.isRight(key)
        ? yield* checkAudit.pipe(
            asServer,
            Effect.provide(operatorLayer(settings)),
            Effect.catchAll(({ message }) =>
              Effect.succeed(
                partOf("audit", "entries", 0, [
                  { where: "audit logs", message, fix: "Fix the other findings, then run this again." }
                ])
              )
            )
          )
        : skipped(
            "audit",
            "entries",
            Either.isRight(up) ? "Nothing signed can be verified without the master key." : noDatabase
          )
    add(audit)
    add(
      yield* orUnread(
        "sources",
        "archives",
        settings,
        Effect.promise(() => checkSources(settings.dataDir))
      )
    )
    add(
      yield* orUnread(
        "logs",
        "files",
        settings,
        Effect.promise(() => checkLogs(settings.dataDir))
      )
    )
    add(
      Either.isRight(key)
        ? yield* Effect.provideService(checkBackups(settings), MasterKey, key.right)
        : skipped("backups", "backups", "No backup can be opened without the master key.")
    )
    return { ok: parts.every((part) => part.state !== "wrong"), parts } satisfies ServerCheck
  }).pipe(Effect.scoped)

/**
 * `maxcloud server check`: reads everything that a server stores, running or not, and compares it with its checksums,
 * digests, chains and seals. Changes nothing, apart from what starting the embedded database changes. Calls `onPart`
 * with each finished part.
 */
export const checkServer = async (
  options: Partial<ServerSettings> = {},
  onPart: (part: CheckPart) => void = () => {}
): Promise<OperatorResult<ServerCheck>> => {
  const settings = await Effect.runPromise(Effect.either(readSettings(options)))
  if (Either.isLeft(settings)) return { ok: false, reason: "setting", message: settings.left.message }
  const { databaseUrl, dataDir } = settings.right
  if (databaseUrl === undefined && !existsSync(join(dataDir, "postgres"))) {
    const message = `No database found in ${dataDir}. Name the data folder (--data-dir), or the database (DATABASE_URL).`
    return { ok: false, reason: "database", message }
  }
  const value = await checkAll(settings.right, onPart).pipe(
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.runPromise
  )
  return { ok: true, value }
}
