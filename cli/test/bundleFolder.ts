import { dirname, join } from "node:path"

export const packageFolder = dirname(import.meta.dirname)

/** Names the folder of a run's bundle of the CLI. */
export const bundleVariable = "MAXCLOUD_TESTS_CLI"

/** Where the run that this process begins has its bundle: inside the package, because it imports what the package depends on. */
export const bundleFolder = () => join(packageFolder, "node_modules", `.test-${process.pid}`)
