import { HttpApi } from "@effect/platform"
import { MaxCloudApi, type OperationName } from "@maxcloud/sdk/api"

type Group = OperationName extends infer Name ? (Name extends `${infer G}.${string}` ? G : never) : never

/** What the operations of a group have in common. */
const descriptions: Readonly<Record<Group, string>> = {
  health: "Whether the server accepts requests, and whether it's fully ready. They need no credential.",
  info: "What this server is.",
  services: "Containers that serve HTTP. Read, pause, restart and delete services, and read their logs.",
  apps: "Deploy an app to one of its stages, and read what belongs to the stage: deployments, outputs, secrets, drift.",
  deployments: "Follow a deployment by its id.",
  sources: "Snapshots of sources, which a deployment refers to by their digest. The SDK uploads them automatically.",
  usage: "What services have used.",
  events: "What happened in the organization, as CloudEvents.",
  policies: "Rules of the organization, in CEL, that its apps must keep.",
  webhooks: "Addresses that events are sent to.",
  registries: "Credentials for private registries of images.",
  signIn: "Register, accept an invitation, and sign a device in. They need no credential.",
  auth: "The caller's own credential, and those of the organization: API keys, invitations, trusted issuers.",
  organization: "The organization itself, its members, its quotas, its export and its deletion.",
  account: "The person behind a session, whatever the organization.",
  erasures: "Certificates of what was erased.",
  audit: "Who did what, and who was refused."
}

/** The document's tags: one for each group, in the contract's order. */
export const tags = () => {
  const found: Array<{ readonly name: string; readonly description: string | undefined }> = []
  const described = new Map<string, string>(Object.entries(descriptions))
  HttpApi.reflect(MaxCloudApi, {
    onGroup: ({ group }) => {
      found.push({ name: group.identifier, description: described.get(group.identifier) })
    },
    onEndpoint: () => {}
  })
  return found
}
