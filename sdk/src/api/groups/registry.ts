import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Authentication } from "../authentication.ts"
import { everyone, get, open } from "../endpoint.ts"
import { RegistryKeys, RegistryToken, RegistryTokenParameters } from "../registry.ts"

/** What the registry and its clients ask. */
export class RegistryTokenGroup extends HttpApiGroup.make("registryTokens")
  .add(
    get("issue", "/token", {
      id: "getRegistryToken",
      summary: "Get a token for the registry",
      description:
        "For docker, podman and others, by the token protocol of CNCF Distribution. They send an API key, a session's token or an issuer's token as the password, with any user name. The token contains the requested scopes as far as the credential allows them: `pull` and `push` for repositories `ORGANIZATION_ID/APP` of its own organization.",
      client: "registry.token",
      roles: everyone,
      writes: false,
      scope: { verb: "read", at: "organization" },
      ignoresUnknown: true
    })
      .setUrlParams(RegistryTokenParameters)
      .addSuccess(RegistryToken)
  )
  .middleware(Authentication)
  .prefix("/api/v1/registry") {}

/** What the registry's operator needs for its configuration. */
export class RegistryKeysGroup extends HttpApiGroup.make("registryKeys").add(
  get("get", "/api/v1/registry/keys", {
    id: "getRegistryKeys",
    summary: "Get the public keys of the registry's tokens",
    description: "The JWK set for the registry's configuration: the key that signs, and former and next ones.",
    client: "registry.keys",
    ...open
  }).addSuccess(RegistryKeys)
) {}
