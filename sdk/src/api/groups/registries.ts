import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { admins, del, get, put, readers } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { RegistryHost, RegistryInfo, RegistryList, RegistryLogin } from "../registries.ts"

const registryPath = Schema.Struct({ host: RegistryHost })

export class RegistriesGroup extends HttpApiGroup.make("registries")
  .add(
    get("list", "/", {
      id: "listRegistries",
      summary: "List registries",
      description: "Registries with stored credentials. Responses never contain a password.",
      client: "registries.list",
      roles: readers,
      writes: false
    })
      .setUrlParams(RegistryList.parameters)
      .addSuccess(RegistryList.answer)
  )
  .add(
    put("login", "/:host", {
      id: "setRegistryLogin",
      summary: "Sign in to a registry",
      description:
        "Checks the credentials with the registry, as `docker login` does, and stores them sealed. They are used only to resolve and pull this organization's images from this host. 400 if the registry rejects them, 503 if it can't be reached; then nothing is stored.",
      client: "registries.login",
      roles: admins,
      writes: true
    })
      .setPath(registryPath)
      .setPayload(RegistryLogin)
      .addSuccess(RegistryInfo)
  )
  .add(
    del("logout", "/:host", {
      id: "deleteRegistryLogin",
      summary: "Sign out of a registry",
      description: "Deletes its credentials. Running instances continue.",
      client: "registries.logout",
      roles: admins,
      writes: true
    })
      .setPath(registryPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/registries") {}
