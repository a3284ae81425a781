import { join } from "node:path"

/** The bundled server, as it is published: unbundled it takes twice the memory, and starts its instances slower for it. */
export const bundledServer = (): Promise<typeof import("@maxcloud/server")> =>
  import(join(import.meta.dirname, "../../server/dist/index.js"))
