import { Schema } from "effect"
import { form } from "./forms.ts"
import { Bytes } from "./limitSettings.ts"
import { setting } from "./setting.ts"

const minFree = form(Bytes.pipe(Schema.between(0, 2 ** 40)), 'bytes are written as "256Mi", from 0 to 1Ti')

/** How much of the disk the server leaves free. */
export const diskSettings = {
  /** Bytes; 0: no limit. */
  minFreeDisk: setting("MAXCLOUD_MIN_FREE_DISK", minFree, {
    default: "256Mi",
    text: "Bytes that stay free on the disk of the data folder, and of the embedded database. With less, uploads get 507, builds and installations stop, and log lines are dropped, so that the database can still write. The server recovers automatically. 0: no limit."
  })
}
