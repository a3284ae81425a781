import { OrganizationName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { runServer } from "../../src/assembly/runServer.ts"

/** A server by its settings in the environment, that acts for the organization of `MAXCLOUD_TEST_ORGANIZATION`. */
process.exitCode = await runServer({
  organization: Schema.decodeUnknownSync(OrganizationName)(process.env.MAXCLOUD_TEST_ORGANIZATION)
})
