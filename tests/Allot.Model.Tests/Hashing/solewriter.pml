/*
 * The right to write without locks (src/Allot/Maps/Hashing/SoleWriter.cs) for the model checker spin: every
 * interleaving of a few threads, with the store buffer of the processor. HashModelTests.cs has the configurations (-D)
 * and runs them; each BROKEN_ switch removes one idea, and the checker must find the error.
 *
 * Modelled: threads that come and go, some of which have for their stack what was the stack of another one that has
 * ended: thread 0 has pages 1 and 2 and calls from either; thread 1 has a page of its own, as has one more with THIRD;
 * with HEIRS, threads 2 and 3 begin when thread 0 has ended, and have page 1 and page 2. A store that says that a writer
 * is inside, or outside, can wait in a buffer, as can that of the page; the thread itself sees its own.
 * Checked: who writes alone and anybody else never write at once; who takes a lock writes only once nobody can write
 * alone any more; no deadlock.
 * A lock, an interlocked operation and the end of a thread wait until the buffer is empty. The barrier of the process
 * empties the buffers of all.
 */

#ifndef TIMES
#define TIMES 2
#endif
#if defined(HEIRS)
#define THREADS 4
#elif defined(THIRD)
#define THREADS 3
#else
#define THREADS 2
#endif

#define NOBODY 255
#define NO_PAGE 0
#define GRANTED 0
#define ENDING 1
#define ENDED 2

#define INSIDE 1
#define PAGE 2

chan stores[THREADS] = [3] of { byte, byte };    /* INSIDE or PAGE, value */

byte inside;
byte page = NO_PAGE;
byte state = GRANTED;
byte writer = NOBODY;
bit ending_lock;
bit stripe;
#ifdef BROKEN_MANY_PAGES
bit is_page[5];
#endif

bool has_ended[THREADS];
byte alone;          /* ghosts: how many write alone, and with the lock */
byte locked;

inline store(word, value) { stores[me]!word,value }

/* What the thread sees: the youngest store of its own, or memory. */
inline load_inside(to) {
  d_step {
    to = inside;
    i = len(stores[me]);
    do
    :: i > 0 -> stores[me]?w,x; stores[me]!w,x; if :: w == INSIDE -> to = x :: else fi; i--
    :: else -> break
    od;
    i = 0; w = 0; x = 0
  }
}

inline load_page(to) {
  d_step {
    to = page;
    i = len(stores[me]);
    do
    :: i > 0 -> stores[me]?w,x; stores[me]!w,x; if :: w == PAGE -> to = x :: else fi; i--
    :: else -> break
    od;
    i = 0; w = 0; x = 0
  }
}

inline drain(t) {
  do
  :: nempty(stores[t]) -> stores[t]?w,x; if :: w == INSIDE -> inside = x :: else -> page = x fi
  :: empty(stores[t]) -> break
  od;
  w = 0; x = 0
}

proctype Buffer(byte me) {
  byte w, x;
end:
  do
  :: atomic { stores[me]?w,x; if :: w == INSIDE -> inside = x :: else -> page = x fi; w = 0; x = 0 }
  od
}

/* After the right was looked at: true, or outside again. */
inline begin() {
  store(INSIDE, 1);
#ifdef BROKEN_NO_LOOK
  is_in = true;
#else
  if
  :: state == GRANTED -> is_in = true
  :: else -> store(INSIDE, 0); store(PAGE, NO_PAGE)
  fi
#endif
}

#if defined(BROKEN_BY_NUMBER)
#define NUMBER(t) ((t) >= 2 -> 0 : (t))        /* of the thread that has ended */
#else
#define NUMBER(t) (t)
#endif

proctype Thread(byte me; byte page_a; byte page_b) {
  byte here, seen, times = TIMES, i, w, x;
  bool is_in;

#ifdef HEIRS
  if :: me >= 2 -> has_ended[0] :: else fi;
#endif
again:
  if :: times == 0 -> goto done :: else fi;
  times--;
  if :: here = page_a :: here = page_b fi;
  is_in = false;

  /* TryEnterAgain, TryEnter */
#ifdef BROKEN_MANY_PAGES
  seen = (is_page[here] -> here : NO_PAGE);
#else
  load_page(seen);
#endif
  if
  :: seen == here -> begin()
  :: seen != here && state == ENDED -> skip
  :: else ->
     if
     :: atomic { writer == NUMBER(me) -> skip }; goto mine
     :: atomic { writer == NOBODY && empty(stores[me]) -> writer = NUMBER(me) }; goto mine
     :: atomic { writer != NOBODY && writer != NUMBER(me) && !ending_lock && empty(stores[me]) -> ending_lock = 1 }
     fi;
     if
     :: state == ENDED -> skip
     :: else ->
#ifdef BROKEN_EARLY_END
        state = ENDED;
#else
        state = ENDING;
#endif
#ifndef BROKEN_NO_BARRIER
        d_step {
          i = 0;
          do :: i < THREADS -> drain(i); i++ :: else -> break od;
          i = 0
        };
#endif
#ifndef BROKEN_NO_WAIT
        inside == 0;
#endif
        state = ENDED
     fi;
     ending_lock = 0;
     goto entered;
mine:
#ifdef BROKEN_MANY_PAGES
     is_page[here] = 1;
#else
     store(PAGE, here);
#endif
     begin()
  fi;
entered:
  if
  :: is_in ->
     d_step { alone++; assert(alone == 1 && locked == 0) };
     d_step { alone-- };
     store(INSIDE, 0)
  :: else ->
     atomic { !stripe && empty(stores[me]) -> stripe = 1 };
     d_step { locked++; assert(alone == 0) };
     d_step { locked-- };
     stripe = 0
  fi;
  goto again;
done:
  atomic { empty(stores[me]) -> has_ended[me] = true }
}

init {
  atomic {
    run Buffer(0); run Buffer(1);
    run Thread(0, 1, 2);
    run Thread(1, 3, 3);
#ifdef HEIRS
    run Buffer(2); run Buffer(3);
    run Thread(2, 1, 1);
    run Thread(3, 2, 2);
#elif defined(THIRD)
    run Buffer(2);
    run Thread(2, 4, 4);
#endif
  }
}
