import type { ReadinessCheck } from "@maxcloud/sdk/api"
import { ago } from "../../base/postgres/backupFiles.ts"
import type { BackupStatus } from "./AutomaticBackups.ts"

const whys = {
  skipped: "their disk has too little room",
  damaged: "the database is damaged, restore the last one (`maxcloud server restore --set-aside`)",
  failed: "the server's log has the reason"
} as const

/**
 * The state of backups for `/readyz`, without a path of this machine. It never causes a 503: a server whose backups fail serves
 * as well as before, and taking it out of service makes no backup.
 */
export const backupCheck = ({ failure, newest }: BackupStatus, now: Date): ReadinessCheck => {
  const last =
    newest === undefined
      ? "The database has no backup yet."
      : `The last backup of the database was made ${ago(newest.createdAt, now)} (${newest.createdAt.toISOString()}).`
  const failed =
    failure === undefined ? "" : ` The last try, at ${failure.at.toISOString()}, made none: ${whys[failure.state]}.`
  return { name: "backups", ok: true, message: `${last}${failed}` }
}
