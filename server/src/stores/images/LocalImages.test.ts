import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { layerTest as database, temporaryDataDir } from "../../../test/database/layerTest.ts"
import { credentialsTest } from "../../../test/images/testAccess.ts"
import { acme, organizationOf, other, specOf } from "../../../test/images/testImages.ts"
import { missingTools } from "../../../test/registry/missingTools.ts"
import { pushBuild } from "../../../test/registry/pushImage.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../../test/registry/testRegistry.ts"
import { asOrganization, asServer } from "../../base/database/RowScope.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Images } from "./Images.ts"
import { layer as localImages } from "./LocalImages.ts"
import { layer as registryAccess } from "./RegistryAccess.ts"
import type { Credentials } from "./registry/RegistrySession.ts"

const builtId = `sha256:${"b".repeat(64)}`
const missing = missingTools("what images mean locally", "docker-registry")

describe.skipIf(missing.length > 0)("the images of a local deployment", () => {
  let registry: TestRegistry
  const store = new Map<string, string>()
  const credentials = new Map<OrganizationId, Credentials>()
  const owner: Organization = { id: acme, name: OrganizationName.make("local") }

  const makeImages = (registries: ReadonlyArray<string>) =>
    ManagedRuntime.make(
      Layer.unwrapScoped(
        Effect.map(temporaryDataDir, (dataDirectory) => {
          const options = { insecureRegistries: registries, privateRegistries: [] }
          return localImages({
            ...options,
            ownsMachine: ({ name }) => name === "local",
            imageInStore: (name) => Effect.sync(() => store.get(name))
          }).pipe(
            Layer.provide(registryAccess({ ...options, dataDirectory })),
            Layer.provide(credentialsTest(credentials)),
            Layer.provideMerge(database)
          )
        })
      )
    )
  let images: ReturnType<typeof makeImages>

  const resolve = async (organization: Organization, image: string) => {
    const found = await images.runPromise(
      asOrganization(organization.id)(Effect.flatMap(Images, (images) => images.resolve(organization, specOf([image]))))
    )
    return {
      reference: found.images.get(image)?.reference,
      problem: found.problems[0]?.message,
      warning: found.warnings[0]?.message
    }
  }
  const push = (name: string, tag: string, user: string) =>
    pushBuild(
      {
        host: registry.host,
        name,
        authorization: `Basic ${Buffer.from(`${testUser.username}:${testUser.password}`).toString("base64")}`
      },
      tag,
      { platform: "linux/amd64", user }
    )

  beforeAll(async () => {
    registry = await startTestRegistry("users")
    credentials.set(acme, { username: testUser.username, password: Redacted.make(testUser.password) })
    images = makeImages([registry.host])
    await images.runPromise(
      asServer(
        Effect.flatMap(SqlClient, (sql) =>
          sql.unsafe(`insert into organizations (id, name) values ('${acme}', 'local'), ('${other}', 'other')`)
        )
      )
    )
  })
  afterAll(async () => {
    await images?.dispose()
    await registry?.[Symbol.asyncDispose]()
  })

  it("are pinned to what their tags mean at each deployment", async () => {
    const image = `${registry.host}/moving:main`
    const first = await push("moving", "main", "1")
    expect(await resolve(owner, image)).toEqual({ reference: `${registry.host}/moving@${first.digest}` })
    const second = await push("moving", "main", "2")
    expect(await resolve(owner, image)).toEqual({ reference: `${registry.host}/moving@${second.digest}` })
    const pinned = `${registry.host}/moving@${first.digest}`
    expect(await resolve(owner, pinned)).toEqual({ reference: pinned })
  })

  it("are problems of the plan if their registry has no such tag, or refuses the organization", async () => {
    await push("private", "1", "1")
    expect(await resolve(owner, `${registry.host}/private:2`)).toEqual({
      problem: expect.stringMatching(/^ImageNotFound: .*no tag "2".*Did you mean "1"/)
    })
    expect(await resolve(organizationOf(other), `${registry.host}/private:1`)).toEqual({
      problem: expect.stringMatching(/^ImageUnauthorized: .*maxcloud registries login/)
    })
  })

  it("stay what the last deployment ran while their registry is unreachable, with a warning", async () => {
    const before = images
    const gone = "127.0.0.1:1/app:main"
    const pin = `127.0.0.1:1/app@${builtId}`
    images = makeImages(["127.0.0.1:1"])
    try {
      const sql = (text: string) =>
        images.runPromise(asServer(Effect.flatMap(SqlClient, (sqlClient) => sqlClient.unsafe(text))))
      expect(await resolve(owner, gone)).toEqual({ warning: expect.stringContaining("first instance") })
      store.set(gone, builtId)
      expect(await resolve(owner, gone)).toEqual({
        reference: builtId,
        warning: expect.stringContaining("Running the image on this machine")
      })
      // The store belongs to the machine's owner.
      expect(await resolve(organizationOf(other), gone)).toEqual({ warning: expect.stringContaining("first instance") })
      await sql(`insert into organizations (id, name) values ('${acme}', 'local'), ('${other}', 'other');
        insert into app_stages (organization_id, app, stage, last_number) values ('${acme}', 'shop', 'production', 1);
        insert into services (id, organization_id, app, stage, name, spec, secret_versions, pinned_image, deployment_number)
        values ('svc_${"1".repeat(32)}', '${acme}', 'shop', 'production', 'web', '{"name":"web","image":"${gone}"}', '{}', '${pin}', 1)`)
      expect(await resolve(owner, gone)).toEqual({
        reference: pin,
        warning: expect.stringContaining("last deployment")
      })
      expect((await resolve(organizationOf(other), gone)).reference).toBeUndefined()
    } finally {
      await images.dispose()
      images = before
      store.clear()
    }
  })

  it("are pinned by their id if they were built on this machine, and only for its owner", async () => {
    const image = "localhost/built:1"
    expect(await resolve(owner, image)).toEqual({
      problem: expect.stringMatching(/^ImageNotFound: .*podman build --tag localhost\/built:1/)
    })
    store.set(image, builtId)
    expect(await resolve(owner, image)).toEqual({ reference: `localhost/built@${builtId}` })
    expect((await resolve(organizationOf(other), image)).reference).toBeUndefined()
    expect(await resolve(owner, builtId)).toEqual({})
    store.clear()
  })
})
