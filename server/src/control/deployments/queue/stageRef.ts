import { AppName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import type { WorkKey } from "./WorkQueue.ts"

const StageRef = Schema.Struct({ organization_id: OrganizationId, app: AppName, stage: StageName })

/** Reads the columns `organization_id`, `app` and `stage` as a key of the queue. */
export const decodeStageRefs = (rows: unknown): ReadonlyArray<Pick<WorkKey, "organizationId" | "app" | "stage">> =>
  decode(rows).map(({ organization_id, ...rest }) => ({ organizationId: organization_id, ...rest }))

const decode = Schema.decodeUnknownSync(Schema.Array(StageRef))
