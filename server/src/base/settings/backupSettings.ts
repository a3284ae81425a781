import { Schema } from "effect"
import { absolutePath, form, oneOf, whole } from "./forms.ts"
import { optional, setting } from "./setting.ts"

const time = form(
  Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/)),
  'a time is written as "03:00", in UTC'
)

/** How the server backs up its embedded database by itself. */
export const backupSettings = {
  backups: setting("MAXCLOUD_BACKUPS", oneOf("daily", "off"), {
    default: "daily",
    text: "Does the server back up its embedded database by itself? `daily` or `off`. `maxcloud dev` and `embedded()` never do, and a database of `DATABASE_URL` is backed up by you."
  }),
  /** `HH:MM`, UTC. */
  backupTime: setting("MAXCLOUD_BACKUP_TIME", time, {
    default: "03:00",
    text: "When it does, in UTC. A backup that was missed is made soon after the next start."
  }),
  backupKeep: setting("MAXCLOUD_BACKUP_KEEP", whole(1, 1_000, "backups, a whole number from 1 to 1000"), {
    default: "7",
    text: "How many of these backups are kept. The oldest go when a new one is whole."
  }),
  /** Absolute. undefined: `backups` in the data folder. */
  backupFolder: optional("MAXCLOUD_BACKUP_FOLDER", absolutePath, {
    unset: "`backups` in the data folder",
    text: "Where they are. Another disk survives the loss of the data folder's."
  })
}
