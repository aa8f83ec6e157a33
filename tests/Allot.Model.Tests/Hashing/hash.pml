/*
 * The protocol of the hash table (src/Allot/Maps/Hashing/HashTable.cs) for the model checker spin: every interleaving
 * of writers with locks and a reader without. HashModelTests.cs has the configurations (-D) and runs them; each BROKEN_
 * switch removes one idea, and the checker must find the error.
 *
 * Modelled: three chunks of one slot each, in a ring; keys that all have the same tag; elements that overflow into later
 * chunks; values of two words, replaced in place; readers that want the address or a copy; stripes, and all locks for
 * who crosses into another one (STRIPES=2); permits of each stripe and the word of all. What is in a slot stays there
 * when it is removed, as in memory.
 * A header is read and written as one (ChunkHeader.IsWhole), or with ORDERED by small accesses: the reader takes the
 * sequence first, and then the tag and the overflow in any order.
 * Checked: a hit has a value that its key had at some time while the reader looked, as a whole; a miss, that at some
 * time there was no such key; a writer that is refused for want of room, that at some time there was none; never more
 * elements than permits, never one key twice, overflow and permits exact at the end; no deadlock.
 *
 * Why no store buffers: readers write nothing, so they see the stores of each writer in its order; a lock is taken by
 * an interlocked operation and left by a store, which comes last. Where the order of a writer's stores is not that of
 * its program (arm64), Volatile.Write and the two barriers say which is meant: the steps below are in that order, the
 * words of a value in any.
 * Not modelled: who writes without a lock (solewriter.pml); overflow that is no longer counted (255 and more); memory
 * that comes with elements.
 */

#ifndef OPS_0
#define OPS_0 3
#endif
#ifndef OPS_1
#define OPS_1 1
#endif
#ifndef READS
#define READS 1
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef STRIPES
#define STRIPES 1
#endif
#ifndef KEYS
#define KEYS 3
#endif

#define CHUNKS 3
#define NONE 255

/* Where keys begin: 1 and 2 at chunk 0, 3 at chunk 1, 4 at chunk 0; with stripes, 2 and 3 at chunk 1. Chunk 0 is a
 * stripe, chunks 1 and 2 are the other one. */
#define HOME(k) ((k) == 3 || STRIPES == 2 && (k) == 2 -> 1 : 0)
#define NEXT(c) ((c) + 1 == CHUNKS -> 0 : (c) + 1)
#define STRIPE(c) (STRIPES == 1 || (c) == 0 -> 0 : 1)

/* Whether the element in slot e has passed chunk c on its way. */
#define WAY(c, e) (((c) + CHUNKS - HOME(key[e])) % CHUNKS)
#define PASSED(c, e) (tag[e] && WAY(c, e) < WAY(e, e))

bit tag[CHUNKS];
byte overflow[CHUNKS];
byte sequence[CHUNKS];
byte key[CHUNKS];
byte first[CHUNKS], second[CHUNKS];    /* the two words of the value */
bit lock[STRIPES];
byte permits[STRIPES];
byte free_permits = CAPACITY;
bool is_full;

/* ---- Ghosts: what is true, and what has been while the reader looked. ---- */

byte value_of[5];        /* of each key; 0 = not there */
byte elements;
byte next_value = 1;
byte wanted;             /* by the reader */
bool was_absent;
short was;               /* values, as bits */
bool had_no_room[2];     /* while each writer tried */

inline happens(k, v) {
  elements = elements + (value_of[k] == 0 && v != 0) - (value_of[k] != 0 && v == 0);
  value_of[k] = v;
  assert(elements <= CAPACITY);
  if :: elements == CAPACITY -> had_no_room[0] = true; had_no_room[1] = true :: else fi;
  if
  :: wanted == k && v == 0 -> was_absent = true
  :: wanted == k && v != 0 -> was = was | (1 << v)
  :: else
  fi
}

/* ---- The reader ---- */

inline read_header() {
#if defined(ORDERED) || defined(BROKEN_TORN)
#if defined(BROKEN_TAGS_FIRST) || defined(BROKEN_TORN)
  if
  :: r_sequence = sequence[c]; r_tag = tag[c]; r_overflow = overflow[c]
  :: r_tag = tag[c]; r_overflow = overflow[c]; r_sequence = sequence[c]
  fi
#else
  r_sequence = sequence[c];
  if
  :: r_tag = tag[c]; r_overflow = overflow[c]
  :: r_overflow = overflow[c]; r_tag = tag[c]
  fi
#endif
#else
  d_step { r_sequence = sequence[c]; r_tag = tag[c]; r_overflow = overflow[c] }
#endif
}

#ifdef BROKEN_NO_RECHECK
#define UNCHANGED true
#else
#define UNCHANGED (sequence[c] == r_sequence)
#endif

proctype Reader() {
  byte c, passed, r_sequence, r_overflow, v, w, reads = READS;
  bit r_tag, copies;

look:
  if :: reads == 0 -> goto done :: else fi;
  reads--;
  atomic {
    if :: wanted = 1 :: KEYS >= 2 -> wanted = 2 :: KEYS >= 3 -> wanted = 3 :: KEYS >= 4 -> wanted = 4 fi;
    if :: copies = 0 :: copies = 1 fi;
    was_absent = (value_of[wanted] == 0);
    was = (value_of[wanted] == 0 -> 0 : 1 << value_of[wanted]);
    c = HOME(wanted); passed = 0
  }
again:
  read_header();
  if
  :: r_tag && key[c] == wanted ->
     if
     :: copies && (r_sequence & 1) -> goto again
     :: copies && !(r_sequence & 1) ->
        if :: v = first[c]; w = second[c] :: w = second[c]; v = first[c] fi
     :: else -> v = 0
     fi;
     atomic {
       if
       :: UNCHANGED ->
          if
          :: copies -> assert(v == w); assert(was & (1 << v))
          :: else -> assert(was != 0)
          fi;
          wanted = 0; goto look
       :: else -> goto again
       fi
     }
  :: else ->
     passed++;
     if
     :: r_overflow == 0 || passed == CHUNKS -> atomic { assert(was_absent); wanted = 0; goto look }
     :: else -> c = NEXT(c)
     fi
  fi;
  goto again;
done:
  skip
}

/* ---- Writers ---- */

inline enter(s) { atomic { !lock[s] -> lock[s] = 1 } }

inline enter_all() { enter(0); if :: STRIPES == 2 -> enter(STRIPES - 1) :: else fi; all = true }

inline leave() {
  if
  :: all -> if :: STRIPES == 2 -> lock[STRIPES - 1] = 0 :: else fi; lock[0] = 0
  :: else -> lock[STRIPE(HOME(k))] = 0
  fi
}

/* The chunk of the key, or a free one on the way. Who holds the locks is alone. */
inline find() {
  d_step {
    c = HOME(k); passed = 0; found = NONE; room = NONE; crosses = false;
    do
    :: !all && STRIPE(c) != STRIPE(HOME(k)) -> crosses = true; break
    :: else ->
       if :: tag[c] && key[c] == k -> found = c; break :: else fi;
       if :: !tag[c] && room == NONE -> room = c :: else fi;
       passed++;
       if :: overflow[c] == 0 || passed == CHUNKS -> break :: else fi;
       c = NEXT(c)
    od;
    /* room further on, where nothing has overflowed yet */
    if
    :: found == NONE && room == NONE && !crosses ->
       c = HOME(k); passed = 0;
       do
       :: !all && STRIPE(c) != STRIPE(HOME(k)) -> crosses = true; break
       :: else ->
          if :: !tag[c] -> room = c; break :: else fi;
          passed++;
          if :: passed == CHUNKS -> break :: else fi;
          c = NEXT(c)
       od
    :: else
    fi;
    c = 0; passed = 0
  }
#ifdef BROKEN_CROSS
  /* looks at the chunks of a stripe that it does not hold */
  if
  :: crosses ->
     c = HOME(k); crosses = false; room = NONE;
     do
     :: tag[c] && key[c] == k -> found = c; break
     :: !tag[c] -> room = c; break
     :: else -> c = NEXT(c); if :: c == HOME(k) -> break :: else fi
     od
  :: else
  fi
#endif
}

/* A permit for the stripe that the room is in; no_room says that there is none. */
inline take_permit() {
  no_room = false; needs_all = false; s = STRIPE(room);
  if
  :: permits[s] > 0
  :: permits[s] == 0 && !all && is_full -> no_room = true
  :: else ->
     atomic {
       if
       :: free_permits > 0 -> free_permits--; permits[s]++
       :: else -> needs_all = true
       fi
     };
#ifdef BROKEN_RACY_FULL
     /* looks at the others one after the other while they go on */
     if
     :: needs_all && !all ->
        t = permits[0];
        if :: STRIPES == 2 -> t = t + permits[STRIPES - 1] :: else fi;
        if :: t == 0 -> no_room = true; needs_all = false :: else fi
     :: else
     fi;
#endif
     if
     :: needs_all && all ->
        d_step {
          needs_all = false;
          if
          :: permits[0] > 0 -> permits[0]--; permits[s]++
          :: STRIPES == 2 && permits[STRIPES - 1] > 0 -> permits[STRIPES - 1]--; permits[s]++
          :: else -> no_room = true; is_full = true
          fi
        }
     :: else
     fi
  fi
}

inline count_overflow(change) {
  c = HOME(k);
  do
  :: c == at -> break
  :: else -> overflow[c] = overflow[c] + change; c = NEXT(c)
  od;
  c = 0
}

inline write_value(v) {
  if :: first[at] = v; second[at] = v :: second[at] = v; first[at] = v fi
}

inline publish() { d_step { tag[at] = 1; happens(k, mine) } }

inline add() {
  at = room;
  permits[STRIPE(at)]--;
#ifndef BROKEN_LATE_OVERFLOW
  count_overflow(1);
#endif
#ifdef BROKEN_TAG_FIRST
  publish();
#endif
  write_value(mine);
  key[at] = k;
#ifndef BROKEN_TAG_FIRST
  publish();
#endif
#ifdef BROKEN_LATE_OVERFLOW
  count_overflow(1);
#endif
}

inline replace() {
  at = found;
#ifndef BROKEN_NO_ODD
  sequence[at] = sequence[at] + 1;
#endif
  write_value(mine);
#ifdef BROKEN_NO_ODD
  d_step { sequence[at] = sequence[at] + 2; happens(k, mine) }
#else
  d_step { sequence[at] = sequence[at] + 1; happens(k, mine) }
#endif
}

inline remove() {
  at = found;
#ifndef BROKEN_LATE_ROOM
  is_full = false;
#endif
#ifdef BROKEN_EARLY_UNCOUNT
  count_overflow(-1);
#endif
#if defined(BROKEN_NO_SEQUENCE)
  d_step { tag[at] = 0; happens(k, 0) }
#elif defined(BROKEN_SEQUENCE_FIRST)
  sequence[at] = sequence[at] + 2;
  d_step { tag[at] = 0; happens(k, 0) }
#elif defined(BROKEN_TORN)
  if
  :: d_step { tag[at] = 0; happens(k, 0) }; sequence[at] = sequence[at] + 2
  :: sequence[at] = sequence[at] + 2; d_step { tag[at] = 0; happens(k, 0) }
  fi;
#elif defined(ORDERED)
  d_step { tag[at] = 0; happens(k, 0) };
  sequence[at] = sequence[at] + 2;
#else
  d_step { tag[at] = 0; sequence[at] = sequence[at] + 2; happens(k, 0) }
#endif
#ifndef BROKEN_EARLY_UNCOUNT
  count_overflow(-1);
#endif
#ifdef BROKEN_LATE_ROOM
  is_full = false;
#endif
  give_permit()
}

/* Two or more at one stripe are too many: one becomes everybody's. */
inline give_permit() {
  s = STRIPE(at);
  permits[s]++;
  if
  :: permits[s] > 1 -> permits[s]--; d_step { free_permits++ }
  :: else
  fi
}

proctype Writer(byte me; byte operations) {
  byte k, c, passed, found, room, at, s, t, mine;
  bool all, crosses, no_room, needs_all, removes;

next:
  if :: operations == 0 -> goto done :: else fi;
  operations--;
  atomic {
    if :: k = 1 :: KEYS >= 2 -> k = 2 :: KEYS >= 3 -> k = 3 :: KEYS >= 4 -> k = 4 fi;
    if :: removes = true :: removes = false; mine = next_value; next_value++ fi;
    all = false;
    had_no_room[me] = (elements == CAPACITY)
  }
  enter(STRIPE(HOME(k)));
anew:
  find();
  if
  :: crosses -> leave(); enter_all(); goto anew
  :: !crosses && found != NONE && removes -> remove()
  :: !crosses && found != NONE && !removes -> replace()
  :: !crosses && found == NONE && removes -> assert(value_of[k] == 0)
  :: !crosses && found == NONE && !removes ->
     assert(value_of[k] == 0);
     if
     :: room == NONE -> assert(elements == CHUNKS)
     :: else ->
        take_permit();
        if
        :: needs_all -> leave(); enter_all(); goto anew
        :: no_room -> assert(had_no_room[me])
        :: else -> add()
        fi
     fi
  fi;
  leave();
  goto next;
done:
  skip
}

init {
  byte c, p, sum;
  atomic {
    run Writer(0, OPS_0);
#if OPS_1 > 0
    run Writer(1, OPS_1);
#endif
#if READS > 0
    run Reader();
#endif
  }
  _nr_pr == 1;
  d_step {
    sum = free_permits;
    p = 0;
    do :: p < STRIPES -> assert(!lock[p]); sum = sum + permits[p]; p++ :: else -> break od;
    assert(sum + elements == CAPACITY);
    /* who is where: one place for each key, and every chunk on the way to it counts it */
    c = 0; sum = 0;
    do
    :: c < CHUNKS ->
       assert(!(sequence[c] & 1));
       p = 0;
       if :: tag[c] -> sum++; assert(value_of[key[c]] == first[c] && first[c] == second[c]) :: else fi;
       c++
    :: else -> break
    od;
    assert(sum == elements);
    c = 0;
    do
    :: c < CHUNKS -> assert(overflow[c] == PASSED(c, 0) + PASSED(c, 1) + PASSED(c, 2)); c++
    :: else -> break
    od
  }
}
