import { rmSync } from "node:fs"
import type { TestProject } from "vitest/node"
import { bundleVariable } from "./bundleFolder.ts"

/** Removes the CLI's bundle after the last test. The first test file that runs commands builds it. */
export default ({ config }: TestProject) =>
  () => {
    const folder = config.env[bundleVariable]
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
