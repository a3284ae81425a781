import { join } from "node:path"

const entry = join(import.meta.dirname, "../../server/dist/index.js")

/** A program for `node -e` that starts the bundled server and prints `ready`. */
export const bundledServerProgram = `require("node:module").enableCompileCache(); import(${JSON.stringify(entry)}).then((_) => _.runServer({ onReady: () => console.log("ready") }))`

/** The published, bundled server. Unbundled, it needs twice the memory, so it starts instances more slowly. */
export const bundledServer = (): Promise<typeof import("@maxcloud/server")> => import(entry)
