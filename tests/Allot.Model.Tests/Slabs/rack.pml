/*
 * Full magazines that threads pass for empty ones (src/Allot/Slabs/MagazineRack.cs, SlabClass.Batches.cs) for the model
 * checker spin: every interleaving of threads that bring, threads that take, and one that trims, gives back and
 * closes. RackModelTests.cs has the configurations (-D) and runs them; each BROKEN_ switch removes one idea, and the
 * checker must find the error.
 *
 * Modelled: the places of a rack; magazines, which are freed and made again, so that a word comes back as it was; the
 * blocks of one magazine as one *batch*, which is in use, in a magazine, or in the spans; the lock of the class. Who
 * brings fills its magazine with a batch in use, and has to get an empty one for it. Who takes brings an empty
 * magazine, or none. The system may have no memory for a magazine.
 * Checked: who touches a magazine is the only one who has it, and nobody reads one that was freed; a batch is in one
 * place; a class is closed when all batches lie in the spans, and then nobody gets one; what is given back as idle was
 * needed by nobody since it was looked at; nothing is lost at the end; no deadlock.
 * Every change of a word is one interlocked operation, so no store waits in a buffer behind it.
 */

#ifndef PLACES
#define PLACES 2
#endif
#ifndef BRINGS_0
#define BRINGS_0 2
#endif
#ifndef BRINGS_1
#define BRINGS_1 1
#endif
#ifndef TAKERS
#define TAKERS 1
#endif
#ifndef TAKES
#define TAKES 2
#endif
#ifndef KEEPS
#define KEEPS 2
#endif

/* Whether it is ever closed: false has to be an error. */
#ifndef CAN_CLOSE
#define CAN_CLOSE true
#endif

#define BATCHES 3
#define MAGAZINES 5

/* Who has a magazine; threads are from 1. */
#define FREED 0
#define RACK 9
#define KEEPER 8

#define FULL 1
#define SEEN 2
#define WORD(m, marks) ((m) * 4 + (marks))
#define MAGAZINE(w) ((w) / 4)
#define IS_FULL(w) ((w) & FULL)
#define IS_EMPTY(w) ((w) != 0 && (w) != NONE && !((w) & FULL))
#define NONE 255                 /* of what was looked for */
#ifdef BROKEN_FILL_NOTHING
#define LOOKS_FOR(w) (!IS_FULL(w))
#else
#define LOOKS_FOR(w) IS_EMPTY(w)
#endif

byte word[PLACES];
byte content[MAGAZINES + 1];     /* a batch; 0 = none */
byte holder[MAGAZINES + 1];
bit in_use[BATCHES + 1];
bit in_spans[BATCHES + 1];
bit lock;
bit closed;
bool needed[PLACES];             /* since it was marked as seen */
byte running;

/* By a thread: what lies there is of it, and the other way round. */
inline swap(at, from, to) {
  atomic {
    if
    :: word[at] == from ->
       holder[MAGAZINE(from)] = me;
       if :: MAGAZINE(to) != 0 -> holder[MAGAZINE(to)] = RACK :: else fi;
       word[at] = to;
       needed[at] = true;
       got = MAGAZINE(from)
    :: else
    fi
  }
}

#if defined(BROKEN_NO_SWAP_BRING) || defined(BROKEN_NO_SWAP_TAKE)
/* A read and a store. */
inline replace(at, from, to) {
  if
  :: word[at] == from ->
     atomic {
       word[at] = to;
       holder[MAGAZINE(from)] = me;
       if :: MAGAZINE(to) != 0 -> holder[MAGAZINE(to)] = RACK :: else fi;
       needed[at] = true;
       got = MAGAZINE(from)
     }
  :: else
  fi
}
#endif

#ifdef BROKEN_NO_SWAP_BRING
#define swap_bring(at, from, to) replace(at, from, to)
#else
#define swap_bring(at, from, to) swap(at, from, to)
#endif
#ifdef BROKEN_NO_SWAP_TAKE
#define swap_take(at, from, to) replace(at, from, to)
#else
#define swap_take(at, from, to) swap(at, from, to)
#endif

/* The first that is free, so that one comes back soon; 0 where there is no memory. In one step. */
inline make_magazine(m) {
  m = 0;
  i = 1;
  do
  :: i <= MAGAZINES && m == 0 -> if :: holder[i] == FREED -> m = i :: else fi; i++
  :: else -> break
  od;
  i = 0;
#ifdef FAULTS
  if :: m = 0 :: skip fi;
#endif
  if :: m != 0 -> holder[m] = me; content[m] = 0 :: else fi
}

inline free_magazine(m) { assert(holder[m] == me); holder[m] = FREED }

/* The batch of a magazine at hand. */
inline bring_to_spans(m) {
  assert(holder[m] == me);
  b = content[m];
  assert(b != 0 && !in_spans[b] && !in_use[b]);
  content[m] = 0;
  in_spans[b] = 1;
  b = 0
}

/* The first one of a set; 0 for none. */
#define FIRST(s) (s[1] -> 1 : (s[2] -> 2 : (s[3] -> 3 : 0)))

/* ---- Threads ---- */

proctype Bringer(byte me; byte mine) {
  byte p, w, got, b, i, times = (me == 1 -> BRINGS_0 : BRINGS_1);

again:
  atomic {
    if :: times == 0 -> goto out :: else fi;
    times--;
    if
    :: content[mine] != 0 -> skip       /* as it began */
    :: else ->                          /* frees the blocks of a batch */
       b = FIRST(in_use);
       if :: b == 0 -> goto out :: else fi;
       in_use[b] = 0;
#ifndef BROKEN_LATE_WRITE
       content[mine] = b; b = 0;
#endif
       assert(holder[mine] == me)
    fi;
    p = 0; got = 0
  }

  /* TryBring */
  do
  :: atomic { p < PLACES && got == 0 -> w = word[p]; if :: LOOKS_FOR(w) :: else -> w = NONE fi }
     if
#ifdef BROKEN_FILL_NOTHING
     :: w == 0 ->
        atomic {
          if
          :: word[p] == 0 ->
             make_magazine(got);
             if :: got != 0 -> word[p] = WORD(mine, FULL); holder[mine] = RACK; needed[p] = true :: else fi
          :: else
          fi;
          p++; w = 0
        }
#endif
     :: IS_EMPTY(w) ->
        swap_bring(p, w, WORD(mine, FULL));
        atomic { p++; w = 0 }
     :: w == NONE -> atomic { p++; w = 0 }
     fi
  :: else -> break
  od;
#ifdef BROKEN_LATE_WRITE
  if :: b != 0 -> atomic { assert(holder[mine] == me); content[mine] = b; b = 0 } :: else fi;
#endif

  /* ExchangeOther */
  if
  :: got == 0 ->
     atomic {
       !lock -> lock = 1;
       p = 0;
       do :: p < PLACES && word[p] != 0 -> p++ :: else -> break od;
       if :: p < PLACES -> make_magazine(got) :: else fi
     }
     atomic {
       if
       :: got != 0 -> assert(word[p] == 0); word[p] = WORD(mine, FULL); holder[mine] = RACK; needed[p] = true
       :: else -> bring_to_spans(mine); got = mine
       fi;
       lock = 0
     }
  :: else
  fi;
  atomic { mine = got; got = 0; p = 0; assert(holder[mine] == me && content[mine] == 0); goto again }
out:
  running--
}

proctype Taker(byte me; byte mine) {
  byte p, w, got, b, i, times = TAKES;

again:
  atomic {
    if :: times == 0 -> goto out :: else fi;
    times--;
    p = 0; got = 0
  }

  /* TryTake */
  do
  :: atomic { p < PLACES && got == 0 -> w = word[p]; if :: w != NONE && IS_FULL(w) :: else -> w = NONE fi }
     if
     :: w != NONE ->
#ifdef BROKEN_EARLY_READ
        b = content[MAGAZINE(w)];
#endif
        swap_take(p, w, WORD(mine, 0));
        atomic { if :: got != 0 -> mine = got :: else fi; p++; w = 0 }
     :: w == NONE -> atomic { p++; w = 0 }
     fi
  :: else -> break
  od;
  if
  :: got != 0 ->
     atomic {
       assert(holder[mine] == me);
       assert(!closed);
#ifndef BROKEN_EARLY_READ
       b = content[mine];
#endif
       assert(b != 0 && !in_use[b] && !in_spans[b]);
       content[mine] = 0;
       in_use[b] = 1;
       b = 0
     }
  :: else ->
     /* TryFetchOther: it may take a batch with its magazine, and then its own is freed. */
#ifdef BROKEN_FREE_UNLOCKED
     if :: mine != 0 -> free_magazine(mine); mine = 0 :: else fi;
#endif
     atomic {
       !lock;
       if
       :: closed -> if :: mine != 0 -> free_magazine(mine); mine = 0 :: else fi
       :: else ->
          if
          :: mine == 0 -> make_magazine(mine)
          :: mine != 0 -> skip
          :: mine != 0 -> free_magazine(mine); mine = 0; make_magazine(mine)
          :: mine != 0 -> free_magazine(mine); mine = 0
          fi;
          b = FIRST(in_spans);
          if :: b != 0 -> in_spans[b] = 0; in_use[b] = 1; b = 0 :: else fi
       fi
     }
  fi;
  atomic { got = 0; p = 0; goto again }
out:
  running--
}

/* What was taken from a place. */
inline bring_back() {
  atomic {
    if
    :: w != 0 ->
       if :: IS_FULL(w) -> bring_to_spans(MAGAZINE(w)) :: else fi;
       free_magazine(MAGAZINE(w));
       w = 0
    :: else
    fi
  }
}

/* Unless what lies there has changed. In one step. */
inline try_remove(at) {
  if
  :: w != 0 && word[at] == w -> word[at] = 0; holder[MAGAZINE(w)] = me
  :: else -> w = 0
  fi
}

proctype Keeper() {
  byte me = KEEPER, p, w, b, i, times = KEEPS;
#ifdef BROKEN_NO_MARK
  byte last[PLACES];
#endif

again:
  atomic {
    if :: times == 0 -> goto out :: else fi;
    times--;
    p = 0
  }
  atomic { !lock -> lock = 1 }
  if
  :: true ->      /* Trim: what is idle */
     do
     :: p < PLACES ->
        w = word[p];
#ifdef BROKEN_NO_MARK
        if
        :: w != 0 && w == last[p] -> atomic { assert(word[p] != w || !needed[p]); try_remove(p) } bring_back()
        :: else -> atomic { last[p] = w; if :: word[p] == w -> needed[p] = false :: else fi }
        fi;
#else
        if
        :: w & SEEN -> atomic { assert(word[p] != w || !needed[p]); try_remove(p) } bring_back()
        :: w != 0 && !(w & SEEN) -> atomic { if :: word[p] == w -> word[p] = w | SEEN; needed[p] = false :: else fi }
        :: else
        fi;
#endif
        p++
     :: else -> break
     od
  :: true ->      /* GiveBack: looks into what lies there */
     do
     :: p < PLACES ->
        w = word[p];
        if
        :: IS_FULL(w) ->
           assert(holder[MAGAZINE(w)] != FREED);
           if
           :: atomic { try_remove(p) } bring_back()
           :: skip
           fi
        :: else
        fi;
        p++
     :: else -> break
     od
  :: !closed ->    /* TryClose */
#ifndef BROKEN_COUNT_TO_CLOSE
     do
     :: p < PLACES ->
#ifdef BROKEN_NO_SWAP_REMOVE
        w = word[p];
        atomic { word[p] = 0; if :: w != 0 -> holder[MAGAZINE(w)] = me :: else fi }
#else
        atomic { w = word[p]; try_remove(p) }
#endif
        bring_back();
        p++
     :: else -> break
     od;
#endif
     /* Those in the rack one after the other, as CountFull does. */
     p = 0;
     do :: p < PLACES -> if :: IS_FULL(word[p]) -> i++ :: else fi; p++ :: else -> break od;
     atomic {
       if
       :: i + in_spans[1] + in_spans[2] + in_spans[3] == BATCHES ->
          closed = 1;
          assert(!in_use[1] && !in_use[2] && !in_use[3]);
          assert(CAN_CLOSE)
       :: else
       fi;
       i = 0
     }
  :: closed -> closed = 0      /* Reopen */
  fi;
  atomic { lock = 0; p = 0; w = 0; goto again }
out:
  running--
}

/* ---- At the end ---- */

byte found[BATCHES + 1];
byte places_of[MAGAZINES + 1];

init {
  byte i;
  atomic {
    running = 1 + (BRINGS_1 > 0) + TAKERS + 1;
    holder[1] = 1; content[1] = 1;
    run Bringer(1, 1);
#if BRINGS_1 > 0
    holder[2] = 2; content[2] = 2;
    run Bringer(2, 2);
#else
    in_spans[2] = 1;
#endif
    in_spans[3] = 1;
    holder[3] = 3;
    run Taker(3, 3);
#if TAKERS > 1
    run Taker(4, 0);
#endif
    run Keeper()
  }
  running == 0;
  atomic {
    i = 0;
    do
    :: i < PLACES ->
       if
       :: word[i] != 0 ->
          places_of[MAGAZINE(word[i])]++;
          assert(holder[MAGAZINE(word[i])] == RACK);
          assert(IS_FULL(word[i]) && content[MAGAZINE(word[i])] != 0
              || !IS_FULL(word[i]) && content[MAGAZINE(word[i])] == 0)
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= MAGAZINES ->
       assert(places_of[i] == (holder[i] == RACK -> 1 : 0));
       if :: holder[i] != FREED && content[i] != 0 -> found[content[i]]++ :: else fi;
       i++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= BATCHES -> assert(found[i] + in_use[i] + in_spans[i] == 1); i++
    :: else -> break
    od
  }
}
