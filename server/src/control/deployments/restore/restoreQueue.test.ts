import { expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { makeRestoreQueue, type StageRef } from "./restoreQueue.ts"

const stageOf = (app: string): StageRef => ({
  organizationId: OrganizationId.make(`org_${"0".repeat(32)}`),
  app: AppName.make(app),
  stage: StageName.make("production")
})

const makeQueue = () => {
  const woken: Array<string> = []
  const queue = makeRestoreQueue((stages) => Effect.sync(() => void woken.push(...stages.map(({ app }) => app))))
  return { ...queue, woken }
}

it.effect("wakes each stage once, so that one that is gone doesn't take the turns of others", () =>
  Effect.gen(function* () {
    const { slotsFree, wait, windowOpen, woken } = makeQueue()
    for (const app of ["gone", "shop", "blog"]) yield* wait(stageOf(app), false)
    yield* slotsFree(1)
    yield* slotsFree(1)
    expect(woken).toEqual(["gone", "shop"])
    // It has to wait again, behind those that came before.
    yield* wait(stageOf("shop"), true)
    yield* windowOpen
    yield* windowOpen
    yield* slotsFree(5)
    expect(woken).toEqual(["gone", "shop", "shop", "blog"])
  })
)

it.effect("doesn't wake a stage that left", () =>
  Effect.gen(function* () {
    const { leave, slotsFree, wait, woken } = makeQueue()
    yield* wait(stageOf("shop"), false)
    yield* wait(stageOf("blog"), false)
    yield* leave(stageOf("shop"))
    yield* slotsFree(1)
    expect(woken).toEqual(["blog"])
  })
)
