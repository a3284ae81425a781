import { resolve } from "node:path"
import { Config, Schema } from "effect"
import { from, optional, type Settings } from "./setting.ts"

/** How the server backs up its embedded database by itself. */
export interface BackupSettings {
  readonly backups: "daily" | "off"
  /** When: `HH:MM`, UTC. */
  readonly backupTime: string
  /** How many are kept. */
  readonly backupKeep: number
  /** Absolute. undefined: `backups` in the data folder. */
  readonly backupFolder: string | undefined
}

const Time = Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/))
const Keep = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000))

export const backupSettings: Settings<BackupSettings> = {
  backups: {
    name: "MAXCLOUD_BACKUPS",
    config: from("MAXCLOUD_BACKUPS", Schema.Literal("daily", "off"), 'write "daily" or "off"').pipe(
      Config.withDefault<"daily" | "off">("daily")
    ),
    default: "daily",
    description:
      "Does the server back up its embedded database by itself? `daily` or `off`. `maxcloud dev` and `embedded()` never do, and a database of `DATABASE_URL` is backed up by you."
  },
  backupTime: {
    name: "MAXCLOUD_BACKUP_TIME",
    config: from("MAXCLOUD_BACKUP_TIME", Time, 'a time is written as "03:00", in UTC').pipe(
      Config.withDefault("03:00")
    ),
    default: "03:00",
    description: "When it does, in UTC. A backup that was missed is made soon after the next start."
  },
  backupKeep: {
    name: "MAXCLOUD_BACKUP_KEEP",
    config: from("MAXCLOUD_BACKUP_KEEP", Keep, "backups, a whole number from 1 to 1000").pipe(Config.withDefault(7)),
    default: "7",
    description: "How many of these backups are kept. The oldest go when a new one is whole."
  },
  backupFolder: {
    name: "MAXCLOUD_BACKUP_FOLDER",
    config: optional(Config.nonEmptyString("MAXCLOUD_BACKUP_FOLDER").pipe(Config.map((_) => resolve(_)))),
    default: "`backups` in the data folder",
    description: "Where they are. Another disk survives the loss of the data folder's."
  }
}

export const backupConfig = Config.all({
  backups: backupSettings.backups.config,
  backupTime: backupSettings.backupTime.config,
  backupKeep: backupSettings.backupKeep.config,
  backupFolder: backupSettings.backupFolder.config
})
