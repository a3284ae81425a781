import { join } from "node:path"

const entry = join(import.meta.dirname, "../../server/dist/index.js")

/** For `node -e`: the bundled server as a process, which says `ready`. */
export const bundledServerProgram = `require("node:module").enableCompileCache(); import(${JSON.stringify(entry)}).then((_) => _.runServer({ onReady: () => console.log("ready") }))`

/** The bundled server, as it is published: unbundled it takes twice the memory, and starts its instances slower for it. */
export const bundledServer = (): Promise<typeof import("@maxcloud/server")> => import(entry)
