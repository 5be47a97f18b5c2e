// What supabase-js sees of the sandbox: one JSON line per step. Arguments: address, key.
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const [url, key] = process.argv.slice(2)
const client = createClient(url, key, {
  realtime: { transport: ws },
  auth: { persistSession: false, autoRefreshToken: false },
})
const tell = (step, value) => console.log(JSON.stringify([step, value]))
const answer = (step, { data, error, count, status }) => tell(step, { data, code: error?.code, count, status })

const events = []
let heard = () => {}
let live
const isLive = new Promise((resolve) => { live = resolve })
const channel = client
  .channel('walk')
  .on('postgres_changes', { event: '*', schema: 'public', table: 'trades' }, (event) => {
    events.push([event.eventType, event.new.id, event.old.id])
    heard()
  })
  .on('system', {}, (word) => word.status === 'ok' && live())
channel.subscribe()
await isLive

const leg = {
  strategy_id: 1, symbol: 'NIFTY', security_id: 5, action: 'BUY', type: 'CE', quantity: 75, price: '12.3456',
  order_status: 'TRADED',
}
const next = () => new Promise((resolve) => { heard = resolve })
let event = next()
answer('insert', await client.from('trades').insert(leg).select('id,price::text,version'))
await event
event = next()
answer('update', await client.from('trades').update({ quantity: 50 }).eq('version', 1).select('id,version'))
await event
answer('page', await client.from('trades').select('id', { count: 'exact' }).in('id', [1, 2]).range(0, 0))
const lease = { p_account: 'default', p_ttl_s: 30 }
answer('claim', await client.rpc('claim_lease', { ...lease, p_owner: 'one' }))
answer('refusal', await client.rpc('claim_lease', { ...lease, p_owner: 'two' }))
answer('unknown', await client.from('nothing').select('*'))
event = next()
answer('delete', await client.from('trades').delete().eq('id', 1))
await event
tell('events', events)
await client.removeAllChannels()
process.exit(0)
