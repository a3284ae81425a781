import { Config, Schema } from "effect"
import { quotaAmounts } from "./limitSettings.ts"
import { from, type Settings } from "./setting.ts"

/** How much of the disk the server leaves free. */
export interface DiskSettings {
  /** Bytes; 0: it stops at no mark. */
  readonly minFreeDisk: number
}

const most = 2 ** 40
const MinFree = quotaAmounts.sourceBytes.schema.pipe(Schema.between(0, most))

export const diskSettings: Settings<DiskSettings> = {
  minFreeDisk: {
    name: "MAXCLOUD_MIN_FREE_DISK",
    config: from("MAXCLOUD_MIN_FREE_DISK", MinFree, 'bytes are written as "256Mi", from 0 to 1Ti').pipe(
      Config.withDefault(256 * 2 ** 20)
    ),
    default: "256Mi",
    description:
      "Bytes that stay free on the disk of the data folder, and of the embedded database. With less, uploads are answered 507, builds and installations end, and log lines are dropped, so that the database can still write. It clears by itself. 0: no limit."
  }
}

export const diskConfig = Config.all({ minFreeDisk: diskSettings.minFreeDisk.config })
