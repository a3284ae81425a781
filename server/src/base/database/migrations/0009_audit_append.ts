/** The members of an entry's record in canonical form (RFC 8785: sorted by name), and the SQL for each one's JSON. */
const text = (column: string) => `coalesce(to_json(entry.${column})::text, 'null')`
const hexadecimal = (column: string) => `coalesce(to_json(encode(entry.${column}, 'hex'))::text, 'null')`
const base64 = (column: string) =>
  `coalesce(to_json(replace(encode(entry.${column}, 'base64'), E'\\n', ''))::text, 'null')`
const members = [
  ["action", text("action")],
  ["actorId", text("actor_id")],
  ["actorType", text("actor_type")],
  ["afterDigest", text("after_digest")],
  ["at", `to_json(to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text`],
  ["beforeDigest", text("before_digest")],
  ["credentialId", text("credential_id")],
  ["organization", text("organization_id")],
  ["outcome", text("outcome")],
  ["personId", text("person_id")],
  ["personal", base64("personal")],
  ["personalDigest", hexadecimal("personal_digest")],
  ["personalKeyId", text("personal_key_id")],
  ["requestId", text("request_id")],
  ["sequence", "entry.sequence::text"],
  ["status", "entry.status::text"],
  ["subject", base64("subject")],
  ["subjectDigest", hexadecimal("subject_digest")],
  ["subjectKeyId", text("subject_key_id")],
  ["version", "'1'"]
] as const
const record = members.map(([name, value], n) => `'${n === 0 ? "{" : ","}"${name}":' || ${value}`).join(" ||\n    ")

/** So that objects in another schema, or in the session's temporary one, are never found instead of ours. */
const pinned = "set search_path = pg_catalog, pg_temp"
const genesis = "decode(repeat('00', 32), 'hex')"
const refuse = (message: string) => `raise exception ${message} using errcode = 'insufficient_privilege';`

/**
 * The audit log's heads and entries only change through `audit_append`: it runs with the rights of the role that owns
 * the tables, while the server's role only has `select` (`migrate.ts`). The caller passes the event; the function sets
 * number, time and hash. The triggers enforce the chain for everybody, the owner included.
 */
export const auditAppend = /* sql */ `
create function audit_hash(entry audit_entries) returns bytea language sql stable ${pinned} as $$
  select sha256(entry.previous_hash || convert_to(
    ${record} || '}', 'UTF8'))
$$;

create function audit_entry_fits() returns trigger language plpgsql ${pinned} as $$
declare head public.audit_heads;
begin
  select * into head from public.audit_heads where organization_id = new.organization_id;
  if new.sequence is distinct from head.sequence + 1 or new.previous_hash is distinct from head.hash
    or new.hash is distinct from public.audit_hash(new) then
    ${refuse(`'entry % of the audit log "%" doesn''t continue its chain: append with audit_append', new.sequence, new.organization_id`)}
  end if;
  return new;
end $$;
create trigger audit_entries_fit before insert on audit_entries for each row execute function audit_entry_fits();

create function audit_head_fits() returns trigger language plpgsql ${pinned} as $$
begin
  if tg_op = 'INSERT' and new.sequence = 0 and new.hash = ${genesis} then
    return new;
  end if;
  if tg_op = 'UPDATE' and new.organization_id = old.organization_id and new.sequence = old.sequence + 1 and exists (
    select 1 from public.audit_entries e
    where e.organization_id = new.organization_id and e.sequence = new.sequence and e.hash = new.hash and e.previous_hash = old.hash
  ) then
    return new;
  end if;
  ${refuse(`'the head of an audit log changes by audit_append alone'`)}
end $$;
create trigger audit_heads_fit before insert or update or delete on audit_heads
  for each row execute function audit_head_fits();
create trigger audit_heads_no_truncate before truncate on audit_heads
  for each statement execute function audit_is_append_only();

create function audit_checkpoint_fits() returns trigger language plpgsql ${pinned} as $$
begin
  if not exists (
    select 1 from public.audit_entries e
    where e.organization_id = new.organization_id and e.sequence = new.sequence and e.hash = new.hash
  ) then
    ${refuse(`'a checkpoint of the audit log "%" names an entry that isn''t there: %', new.organization_id, new.sequence`)}
  end if;
  return new;
end $$;
create trigger audit_checkpoints_fit before insert on audit_checkpoints
  for each row execute function audit_checkpoint_fits();

create function audit_append(
  chain text, action text, outcome text, status integer, actor_type text, actor_id text, credential_id text, person_id text,
  request_id text, before_digest text, after_digest text, personal_key_id text, personal bytea, personal_digest bytea,
  subject_key_id text, subject bytea, subject_digest bytea
) returns bigint language plpgsql security definer ${pinned} as $$
declare
  head public.audit_heads;
  entry public.audit_entries;
begin
  -- Row security may not hold for whoever owns this function.
  if current_setting('maxcloud.organization', true) is distinct from chain
    and current_setting('maxcloud.all_rows', true) is distinct from 'on' then
    ${refuse(`'the audit log "%" isn''t this connection''s', chain`)}
  end if;
  loop
    select * into head from public.audit_heads h where h.organization_id = chain for update;
    exit when found;
    insert into public.audit_heads (organization_id, sequence, hash) values (chain, 0, ${genesis}) on conflict do nothing;
  end loop;
  if exists (select 1 from public.audit_entries e where e.organization_id = chain and e.sequence > head.sequence)
    or (head.sequence > 0 and not exists (
      select 1 from public.audit_entries e where e.organization_id = chain and e.sequence = head.sequence and e.hash = head.hash
    )) then
    raise exception 'The head of the audit log "%" doesn''t fit its entries, so nothing can be appended. Run "maxcloud server audit repair %", as docs/audit.md describes.', chain, chain
      using errcode = 'data_corrupted';
  end if;
  entry.organization_id := chain;
  entry.sequence := head.sequence + 1;
  entry.at := date_trunc('milliseconds', clock_timestamp());
  entry.action := action;
  entry.outcome := outcome;
  entry.status := status;
  entry.actor_type := actor_type;
  entry.actor_id := actor_id;
  entry.credential_id := credential_id;
  entry.person_id := person_id;
  entry.request_id := request_id;
  entry.before_digest := before_digest;
  entry.after_digest := after_digest;
  entry.personal_key_id := personal_key_id;
  entry.personal := personal;
  entry.personal_digest := personal_digest;
  entry.subject_key_id := subject_key_id;
  entry.subject := subject;
  entry.subject_digest := subject_digest;
  entry.previous_hash := head.hash;
  entry.hash := public.audit_hash(entry);
  insert into public.audit_entries values (entry.*);
  update public.audit_heads h set sequence = entry.sequence, hash = entry.hash where h.organization_id = chain;
  return entry.sequence;
end $$;
revoke all on function audit_append from public;
`
