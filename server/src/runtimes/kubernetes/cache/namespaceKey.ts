import { OrganizationName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Option, Schema } from "effect"
import type { NamespaceKey } from "../../port/Runtime.ts"
import type { MetadataObject } from "./objects.ts"

const decode = Schema.decodeUnknownOption(
  Schema.Struct({ organizationId: OrganizationId, organization: OrganizationName, stage: StageName })
)

/** Whose namespace it is, by its labels; none where they do not say. */
export const keyOfNamespace = ({ labels, name }: MetadataObject["metadata"]): Option.Option<NamespaceKey> =>
  Option.map(
    decode({
      organizationId: labels[label.organizationId],
      organization: labels[label.organization],
      stage: labels[label.stage]
    }),
    (key) => ({ ...key, namespace: name })
  )
