import { dirname } from "node:path"
import { Effect } from "effect"
import { dataDirectoryId } from "../../base/host/dataDirectoryId.ts"
import { closedTo, sourceUsers } from "../../base/host/sourceUser.ts"

/** Tells the person who starts a server as root what that means for services from source. */
export const tellRoot = (dataDirectory: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (process.getuid?.() !== 0) return
    const users = yield* Effect.tryPromise(async () => {
      await dataDirectoryId(dataDirectory)
      return sourceUsers(dataDirectory)
    })
    if (users === undefined) return
    const place = closedTo(users.service, dirname(dataDirectory))
    yield* place === undefined
      ? Effect.logInfo(
          `The server runs as root. Services from source run as user ${users.service.uid}, and their install scripts as users up to ${users.service.uid + users.installers.length}. None of them has access to the API.`
        )
      : Effect.logWarning(
          `The server runs as root, and services from source run as user ${users.service.uid}, who can't enter ${place}. Services from source won't start. Choose another data folder (--data-dir /var/lib/maxcloud), or start the server as another user.`
        )
  }).pipe(Effect.catchAll(({ error }) => Effect.logWarning(String(error))))
