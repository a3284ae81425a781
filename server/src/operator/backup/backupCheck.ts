import type { ReadinessCheck } from "@maxcloud/sdk/api"
import { ago } from "../../base/postgres/backupFiles.ts"
import type { BackupStatus } from "./AutomaticBackups.ts"

const whys = {
  skipped: "the disk is too full",
  damaged: "the database is damaged, so restore the last one (`maxcloud server restore --set-aside`)",
  failed: "see the server's log for the reason"
} as const

/**
 * The state of backups for `/readyz`, without paths of this machine. It never causes a 503: a server whose backups fail
 * still serves, and taking it out of rotation wouldn't make a backup.
 */
export const backupCheck = ({ failure, newest }: BackupStatus, now: Date): ReadinessCheck => {
  const last =
    newest === undefined
      ? "The database has no backup yet."
      : `The last backup of the database was made ${ago(newest.createdAt, now)} (${newest.createdAt.toISOString()}).`
  const failed =
    failure === undefined ? "" : ` The last attempt, at ${failure.at.toISOString()}, failed: ${whys[failure.state]}.`
  return { name: "backups", ok: true, message: `${last}${failed}` }
}
