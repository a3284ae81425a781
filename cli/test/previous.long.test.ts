import { join } from "node:path"
import { previousPackages } from "../../scripts/previous.ts"
import { newerServerSuite } from "./newerServerSuite.ts"

newerServerSuite("the last release, as installed from npm", async () => {
  const folder = await previousPackages()
  return { folder, program: join(folder, "node_modules/@maxcloud/cli/bin/maxcloud.js") }
})
