import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Option, Schema } from "effect"
import type { NamespaceKey } from "../../port/Runtime.ts"
import type { MetadataObject } from "./objects.ts"

const decode = Schema.decodeUnknownOption(
  Schema.Struct({ organizationId: OrganizationId, organization: OrganizationName, app: AppName, stage: StageName })
)

/** The organization, app and stage in a namespace's labels; none if the labels are missing. */
export const keyOfNamespace = ({ labels, name }: MetadataObject["metadata"]): Option.Option<NamespaceKey> =>
  Option.map(
    decode({
      organizationId: labels[label.organizationId],
      organization: labels[label.organization],
      app: labels[label.app],
      stage: labels[label.stage]
    }),
    (key) => ({ ...key, namespace: name })
  )
