import { HttpApi } from "@effect/platform"
import { MaxCloudApi, type OperationName } from "@maxcloud/sdk/api"

type Group = OperationName extends infer Name ? (Name extends `${infer G}.${string}` ? G : never) : never

/** Describes a group of operations. */
const descriptions: Readonly<Record<Group, string>> = {
  health: "Whether the server accepts requests, and whether it's fully ready. They need no credential.",
  info: "Facts about this server: version, features and limits.",
  services: "Containers that serve HTTP. Read, pause, restart and delete services, and read their logs.",
  apps: "Deploy an app to one of its stages, and read the stage's deployments, outputs, secrets and drift.",
  deployments: "Follow a deployment by its id.",
  sources: "Source snapshots, which a deployment refers to by digest. The SDK uploads them automatically.",
  usage: "Resource usage of services.",
  events: "Events of the organization, as CloudEvents.",
  policies: "The organization's CEL rules for its apps.",
  webhooks: "Addresses that receive events.",
  registries: "Credentials for private image registries.",
  registryTokens: "Tokens for the platform's own registry, for docker, podman and others.",
  registryKeys: "The public keys of these tokens. They need no credential.",
  signIn: "Register, accept an invitation, and sign a device in. They need no credential.",
  auth: "The caller's own credential, and those of the organization: API keys, invitations, trusted issuers.",
  organization: "The organization itself, its members, its quotas, its export and its deletion.",
  account: "The person behind a session, whatever the organization.",
  erasures: "Certificates of erasure.",
  audit: "A record of every change and every refusal, with the caller."
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
