import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Authentication } from "../authentication.ts"
import { everyone, get } from "../endpoint.ts"
import { UsageParameters, UsageReport } from "../usage.ts"

export class UsageGroup extends HttpApiGroup.make("usage")
  .add(
    get("read", "/api/v1/usage", {
      id: "getUsage",
      summary: "Read usage",
      description:
        "The resources that the organization's instances have reserved between `since` (default: 24 hours ago) and `until` (now), by app, stage and service.",
      client: "usage",
      roles: everyone,
      writes: false
    })
      .setUrlParams(UsageParameters)
      .addSuccess(UsageReport)
  )
  .middleware(Authentication) {}
