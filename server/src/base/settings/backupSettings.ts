import { Schema } from "effect"
import { absolutePath, form, oneOf, whole } from "./forms.ts"
import { optional, setting } from "./setting.ts"

const time = form(
  Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/)),
  'a time is written as "03:00", in UTC'
)

/** How the server backs up its embedded database automatically. */
export const backupSettings = {
  backups: setting("MAXCLOUD_BACKUPS", oneOf("daily", "off"), {
    default: "daily",
    text: "Whether the server backs up its embedded database automatically: `daily` or `off`. `maxcloud dev` and `embedded()` never do. Back up a database of `DATABASE_URL` yourself."
  }),
  /** `HH:MM`, UTC. */
  backupTime: setting("MAXCLOUD_BACKUP_TIME", time, {
    default: "03:00",
    text: "Time of the daily backup, in UTC. A missed backup is made soon after the next start."
  }),
  backupKeep: setting("MAXCLOUD_BACKUP_KEEP", whole(1, 1_000, "backups, a whole number from 1 to 1000"), {
    default: "7",
    text: "Number of backups to keep. The oldest is deleted once a new one is complete."
  }),
  /** Absolute. undefined: `backups` in the data folder. */
  backupFolder: optional("MAXCLOUD_BACKUP_FOLDER", absolutePath, {
    unset: "`backups` in the data folder",
    text: "Folder for backups. Use another disk to survive the loss of the data folder's disk."
  })
}
