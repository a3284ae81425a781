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
  /** Is everything that could be looked at as it was written? */
  readonly ok: boolean
  readonly parts: ReadonlyArray<CheckPart>
}

const isEmbedded = ({ databaseUrl }: ServerSettings) => databaseUrl === undefined

const checkControl = (settings: ServerSettings): CheckPart => {
  if (!isEmbedded(settings)) return skipped("control", "files", "The database is that of DATABASE_URL.")
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
      ? "Pages of this database have no checksums: damage is noticed only if it can't be read. To get them, back the server up and restore into a new folder."
      : undefined
  )
}

const checkPagesOf = (settings: ServerSettings, control: CheckPart, isUp: boolean) =>
  Effect.gen(function* () {
    if (!isEmbedded(settings)) return skipped("pages", "pages", "The database is that of DATABASE_URL.")
    if (control.note !== undefined) return skipped("pages", "pages", control.note)
    const data = join(settings.dataDir, "postgres/data")
    const { damaged, pages } = yield* Effect.promise(() => checkPages(data))
    const fix = wayBack(settings.dataDir, settings.backupFolder)
    const findings = damaged.map(
      ({ block, file, what }): CheckFinding => ({ where: `${join(data, file)}, page ${block}`, message: what, fix })
    )
    const note = "The database doesn't start, so a page that a crash cut off may be among them."
    return partOf("pages", "pages", pages, findings, isUp ? undefined : note)
  })

const decodeChains = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))
const isOrganization = Schema.is(OrganizationId)

/** Each chain: the server's own, and one for each organization that there is or was. */
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
        fix: `Keep an export as evidence, then see docs/audit.md: maxcloud server audit repair ${chain} repairs a head that doesn't fit, a backup everything else.`
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
      const fix =
        "It can't be restored; the others that are whole can. Make another: maxcloud server backup --out FILE."
      findings.push({ where: path, message: verified.left.message, fix })
    }
    const note = backups.length === 0 ? `There is no automatic backup in ${folder}.` : undefined
    return partOf("backups", "backups", backups.length, findings, note)
  })

/** A folder that can't be read is a finding, and no reason to stop: whoever checks has perhaps a disk that fails. */
const orUnread = (name: CheckName, unit: string, { dataDir }: ServerSettings, part: Effect.Effect<CheckPart>) =>
  Effect.catchAllDefect(part, (defect) => {
    const message = `It can't be read. ${errorText(defect, dataDir)}`
    const fix = "Run this as the user who runs the server. If the disk fails, copy what can be read to another."
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
    // Before Postgres starts, since that may change the files.
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
                ? "Do as it says. Its log is postgres.log in that folder."
                : "Look at that Postgres and its log."
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
                  { where: "audit logs", message, fix: "See what else is wrong; then run this again." }
                ])
              )
            )
          )
        : skipped(
            "audit",
            "entries",
            Either.isRight(up) ? "Without the master key nothing signed can be verified." : noDatabase
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
        : skipped("backups", "backups", "Without the master key no backup can be opened.")
    )
    return { ok: parts.every((part) => part.state !== "wrong"), parts } satisfies ServerCheck
  }).pipe(Effect.scoped)

/**
 * `maxcloud server check`: reads everything that a server keeps, while it runs or not, and compares it with its checksums, digests, chains and
 * seals. Changes nothing, apart from what a start of the embedded database does. `onPart` is told of each part when it's done.
 */
export const checkServer = async (
  options: Partial<ServerSettings> = {},
  onPart: (part: CheckPart) => void = () => {}
): Promise<OperatorResult<ServerCheck>> => {
  const settings = await Effect.runPromise(Effect.either(readSettings(options)))
  if (Either.isLeft(settings)) return { ok: false, reason: "setting", message: settings.left.message }
  const { databaseUrl, dataDir } = settings.right
  if (databaseUrl === undefined && !existsSync(join(dataDir, "postgres"))) {
    const message = `There is no database in ${dataDir}. Name the data folder (--data-dir), or the database (DATABASE_URL).`
    return { ok: false, reason: "database", message }
  }
  const value = await checkAll(settings.right, onPart).pipe(
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.runPromise
  )
  return { ok: true, value }
}
