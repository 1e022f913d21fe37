//! Resequencing: in which order work centres do their operations so that the whole ends sooner, or less late.
//!
//! The rule. The best of four ways of dispatching (B. Giffler, G. L. Thompson, Algorithms for solving production-scheduling
//! problems, 1960) is improved by tabu search: on a longest path to the job that decides, the first two and the last two operations
//! of each run at one machine are swapped (the neighbourhood of E. Nowicki, C. Smutnicki, A fast taboo search algorithm for the
//! job shop problem, 1996), the best swap is taken also when it is worse, and is not taken back for a while.
//!
//! The limits. It looks at no more schedules than it is told; it is not proven to be the best; times are working time without
//! closures; an operation holds one place of one machine and is not interrupted. The same input gives the same answer.

/// Jobs that go through machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shop {
    /// The jobs.
    pub jobs: Vec<Job>,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// It cannot start sooner.
    pub release: i64,
    /// When it is wanted.
    pub due: i64,
    /// How much an hour of lateness counts.
    pub weight: i64,
    /// Machine and duration of each step, in their order.
    pub steps: Vec<(u32, i64)>,
}

/// What is to be small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The end of the last job.
    Makespan,
    /// The lateness of all jobs, each by its weight; then the end of the last.
    Lateness,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The start of every step of every job.
    pub starts: Vec<Vec<i64>>,
    /// The end of the last job.
    pub makespan: i64,
    /// The lateness of all jobs, each by its weight.
    pub lateness: i128,
    /// How many schedules were looked at.
    pub looked_at: u32,
}

/// How long a swap is not taken back, in swaps.
const TENURE: u32 = 9;

/// What is to be small, first and second.
type Score = (i128, i128);

struct Search<'a> {
    shop: &'a Shop,
    goal: Goal,
    /// Job and step of each operation; operations of a job follow one another.
    operations: Vec<(usize, usize)>,
    first: Vec<usize>,
    machines: usize,
    looked_at: u32,
}

/// A sequence at every machine with the starts that follow.
#[derive(Clone)]
struct State {
    /// Operations of each machine in their order.
    order: Vec<Vec<usize>>,
    /// Where each operation stands at its machine.
    place: Vec<usize>,
    start: Vec<i64>,
    score: Score,
}

/// Finds a sequence, looking at no more than `most` schedules.
#[must_use]
pub fn resequence(shop: &Shop, goal: Goal, most: u32) -> Sequence {
    let mut search = Search::new(shop, goal);
    let dispatched = (0..4).map(|rule| search.dispatch(rule));
    let Some(first) = dispatched.collect::<Vec<_>>().into_iter().min_by_key(|state| state.score) else {
        return search.sequence(&State {
            order: Vec::new(),
            place: Vec::new(),
            start: Vec::new(),
            score: (0, 0),
        });
    };
    let best = search.improve(first, most);
    search.sequence(&best)
}

impl<'a> Search<'a> {
    fn new(shop: &'a Shop, goal: Goal) -> Self {
        let (mut operations, mut first, mut machines) = (Vec::new(), Vec::new(), 0);
        for (job, one) in shop.jobs.iter().enumerate() {
            first.push(operations.len());
            for (step, (machine, _)) in one.steps.iter().enumerate() {
                operations.push((job, step));
                machines = machines.max(*machine as usize + 1);
            }
        }
        Self { shop, goal, operations, first, machines, looked_at: 0 }
    }

    fn machine(&self, operation: usize) -> usize {
        let (job, step) = self.operations[operation];
        self.shop.jobs[job].steps[step].0 as usize
    }

    fn duration(&self, operation: usize) -> i64 {
        let (job, step) = self.operations[operation];
        self.shop.jobs[job].steps[step].1.max(0)
    }

    /// An active schedule: of the operations that meet at the machine of the first possible end, one is taken by a rule.
    fn dispatch(&mut self, rule: u8) -> State {
        let jobs = self.shop.jobs.len();
        let mut next: Vec<usize> = vec![0; jobs];
        let mut ready: Vec<i64> = self.shop.jobs.iter().map(|job| job.release).collect();
        let mut free = vec![i64::MIN; self.machines];
        let mut order = vec![Vec::new(); self.machines];
        let mut work: Vec<i64> =
            self.shop.jobs.iter().map(|job| job.steps.iter().map(|step| step.1).sum()).collect();
        loop {
            let open = |job: &usize| next[*job] < self.shop.jobs[*job].steps.len();
            let begin = |job: usize| ready[job].max(free[self.machine(self.first[job] + next[job])]);
            let end = |job: usize| begin(job) + self.duration(self.first[job] + next[job]);
            let Some(soonest) = (0..jobs).filter(open).min_by_key(|job| (end(*job), *job)) else { break };
            let machine = self.machine(self.first[soonest] + next[soonest]);
            let until = end(soonest);
            let rivals = (0..jobs).filter(open).filter(|job| {
                self.machine(self.first[*job] + next[*job]) == machine
                    && (begin(*job) < until || *job == soonest)
            });
            let key = |job: usize| {
                let one = &self.shop.jobs[job];
                let duration = self.duration(self.first[job] + next[job]);
                let urgency = i128::from(one.due - work[job]) * 1_000 / i128::from(one.weight.max(1));
                match rule {
                    0 => (-i128::from(work[job]), begin(job)),
                    1 => (i128::from(duration), begin(job)),
                    2 => (i128::from(one.due - work[job]), begin(job)),
                    _ => (urgency, begin(job)),
                }
            };
            let job = rivals.min_by_key(|job| (key(*job), *job)).unwrap_or(soonest);
            let operation = self.first[job] + next[job];
            let finish = end(job);
            order[machine].push(operation);
            (ready[job], free[machine]) = (finish, finish);
            work[job] -= self.duration(operation);
            next[job] += 1;
        }
        let count = self.operations.len();
        let mut state = State { order, place: vec![0; count], start: vec![0; count], score: (0, 0) };
        self.settle(&mut state);
        state
    }

    /// Starts by the sequences; false when they go in a circle.
    fn settle(&mut self, state: &mut State) -> bool {
        self.looked_at += 1;
        let count = self.operations.len();
        let mut waits = vec![0_u8; count];
        for order in &state.order {
            for (place, &operation) in order.iter().enumerate() {
                state.place[operation] = place;
                waits[operation] += u8::from(place > 0);
            }
        }
        let mut open = Vec::with_capacity(count);
        for (operation, waits) in waits.iter_mut().enumerate() {
            *waits += u8::from(self.operations[operation].1 > 0);
            if *waits == 0 {
                open.push(operation);
            }
            state.start[operation] = self.shop.jobs[self.operations[operation].0].release;
        }
        let mut done = 0;
        while let Some(operation) = open.pop() {
            done += 1;
            let end = state.start[operation] + self.duration(operation);
            for after in
                [self.after_in_job(operation), self.after_at_machine(state, operation)].into_iter().flatten()
            {
                state.start[after] = state.start[after].max(end);
                waits[after] -= 1;
                if waits[after] == 0 {
                    open.push(after);
                }
            }
        }
        state.score = self.score(state);
        done == count
    }

    fn after_in_job(&self, operation: usize) -> Option<usize> {
        let (job, step) = self.operations[operation];
        (step + 1 < self.shop.jobs[job].steps.len()).then_some(operation + 1)
    }

    fn after_at_machine(&self, state: &State, operation: usize) -> Option<usize> {
        state.order[self.machine(operation)].get(state.place[operation] + 1).copied()
    }

    fn end_of(&self, state: &State, job: usize) -> i64 {
        let one = &self.shop.jobs[job];
        match one.steps.len() {
            0 => one.release,
            steps => {
                let last = self.first[job] + steps - 1;
                state.start[last] + self.duration(last)
            }
        }
    }

    fn lateness(&self, state: &State, job: usize) -> i128 {
        let one = &self.shop.jobs[job];
        i128::from((self.end_of(state, job) - one.due).max(0)) * i128::from(one.weight.max(0))
    }

    fn score(&self, state: &State) -> Score {
        let jobs = 0..self.shop.jobs.len();
        let makespan = jobs.clone().map(|job| self.end_of(state, job)).max().unwrap_or(0);
        let lateness = jobs.map(|job| self.lateness(state, job)).sum();
        match self.goal {
            Goal::Makespan => (i128::from(makespan), lateness),
            Goal::Lateness => (lateness, i128::from(makespan)),
        }
    }

    fn improve(&mut self, first: State, most: u32) -> State {
        let mut state = first.clone();
        let mut best = first;
        let mut tabu: std::collections::HashMap<(usize, usize), u32> = std::collections::HashMap::new();
        let mut step = 0_u32;
        let mut stale = 0_u32;
        let mut deciding = 0;
        while self.looked_at < most {
            step += 1;
            let mut taken: Option<(Score, (usize, usize), State)> = None;
            for (before, after) in self.swaps(&state, deciding) {
                if self.looked_at >= most {
                    break;
                }
                let mut next = state.clone();
                let machine = self.machine(before);
                next.order[machine].swap(state.place[before], state.place[after]);
                if !self.settle(&mut next) {
                    continue;
                }
                let barred = tabu.get(&(after, before)).is_some_and(|until| *until > step);
                if barred && next.score >= best.score {
                    continue;
                }
                if taken.as_ref().is_none_or(|(score, ..)| next.score < *score) {
                    taken = Some((next.score, (before, after), next));
                }
            }
            stale += 1;
            if let Some((_, (before, after), next)) = taken {
                // The tenure varies, so that the search does not go round and round.
                tabu.insert((before, after), step + TENURE + (step.wrapping_mul(2_654_435_761) >> 28) % 8);
                state = next;
                if state.score < best.score {
                    best = state.clone();
                    stale = 0;
                }
            } else {
                deciding += 1;
                if deciding > self.shop.jobs.len() {
                    break;
                }
                continue;
            }
            deciding = if self.goal == Goal::Lateness { step as usize % 3 } else { 0 };
            if stale > 400 {
                state = best.clone();
                stale = 0;
            }
        }
        best
    }

    /// Swaps on a longest path to the job that decides, or to the one that does so next.
    fn swaps(&self, state: &State, deciding: usize) -> Vec<(usize, usize)> {
        let mut jobs: Vec<usize> =
            (0..self.shop.jobs.len()).filter(|job| !self.shop.jobs[*job].steps.is_empty()).collect();
        let worst = |job: &usize| match self.goal {
            Goal::Makespan => i128::from(self.end_of(state, *job)),
            Goal::Lateness => self.lateness(state, *job),
        };
        jobs.sort_by_key(|job| (std::cmp::Reverse(worst(job)), *job));
        let Some(&job) = jobs.get(deciding % jobs.len().max(1)) else { return Vec::new() };
        let mut path = vec![self.first[job] + self.shop.jobs[job].steps.len() - 1];
        while let Some(&operation) = path.last() {
            let start = state.start[operation];
            let (_, step) = self.operations[operation];
            let in_job = (step > 0).then(|| operation - 1);
            let place = state.place[operation];
            let at_machine = (place > 0).then(|| state.order[self.machine(operation)][place - 1]);
            let holds = |before: &usize| state.start[*before] + self.duration(*before) == start;
            match at_machine.filter(holds).or(in_job.filter(holds)) {
                Some(before) => path.push(before),
                None => break,
            }
        }
        path.reverse();
        let mut swaps = Vec::new();
        let mut begin = 0;
        while begin < path.len() {
            let machine = self.machine(path[begin]);
            let run = path[begin..].iter().take_while(|one| self.machine(**one) == machine).count();
            if run >= 2 {
                swaps.push((path[begin], path[begin + 1]));
                if run > 2 {
                    swaps.push((path[begin + run - 2], path[begin + run - 1]));
                }
            }
            begin += run;
        }
        // Two steps of one job stay in their order.
        swaps.retain(|(before, after)| self.operations[*before].0 != self.operations[*after].0);
        swaps
    }

    fn sequence(&self, state: &State) -> Sequence {
        let jobs = 0..self.shop.jobs.len();
        let starts = jobs.clone().map(|job| {
            let first = self.first[job];
            state.start.get(first..first + self.shop.jobs[job].steps.len()).unwrap_or_default().to_vec()
        });
        Sequence {
            starts: starts.collect(),
            makespan: jobs.clone().map(|job| self.end_of(state, job)).max().unwrap_or(0),
            lateness: jobs.map(|job| self.lateness(state, job)).sum(),
            looked_at: self.looked_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The instance of six jobs at six machines of H. Fisher and G. L. Thompson, 1963; its shortest makespan is 55.
    const FT06: [&[(u32, i64)]; 6] = [
        &[(2, 1), (0, 3), (1, 6), (3, 7), (5, 3), (4, 6)],
        &[(1, 8), (2, 5), (4, 10), (5, 10), (0, 10), (3, 4)],
        &[(2, 5), (3, 4), (5, 8), (0, 9), (1, 1), (4, 7)],
        &[(1, 5), (0, 5), (2, 5), (3, 3), (4, 8), (5, 9)],
        &[(2, 9), (1, 3), (4, 5), (5, 4), (0, 3), (3, 1)],
        &[(1, 3), (3, 3), (5, 9), (0, 10), (4, 4), (2, 1)],
    ];

    fn shop(jobs: &[&[(u32, i64)]]) -> Shop {
        let job = |steps: &&[(u32, i64)]| Job { release: 0, due: 0, weight: 1, steps: steps.to_vec() };
        Shop { jobs: jobs.iter().map(job).collect() }
    }

    #[test]
    fn the_classic_of_six_jobs_is_solved() {
        let sequence = resequence(&shop(&FT06), Goal::Makespan, 5_000);
        assert_eq!(sequence.makespan, 55);
        assert_eq!(sequence, resequence(&shop(&FT06), Goal::Makespan, 5_000));
    }

    #[test]
    fn nothing_to_do_takes_no_time() {
        assert_eq!(resequence(&Shop::default(), Goal::Lateness, 100).starts, Vec::<Vec<i64>>::new());
        assert_eq!(resequence(&shop(&[&[], &[(0, 5)]]), Goal::Makespan, 100).makespan, 5);
    }

    fn jobs() -> impl Strategy<Value = Vec<Job>> {
        let steps = prop::collection::vec((0_u32..3, 1_i64..9), 0..4);
        let job = (0_i64..9, 0_i64..30, 0_i64..5, steps).prop_map(|(release, due, weight, steps)| Job {
            release,
            due,
            weight,
            steps,
        });
        prop::collection::vec(job, 0..6)
    }

    proptest! {
        /// A machine does one thing at a time, a job one step after the other and not before its release.
        #[test]
        fn a_sequence_can_be_carried_out(jobs in jobs(), lateness in any::<bool>()) {
            let shop = Shop { jobs };
            let goal = if lateness { Goal::Lateness } else { Goal::Makespan };
            let sequence = resequence(&shop, goal, 200);
            let mut busy: Vec<(u32, i64, i64)> = Vec::new();
            let mut makespan = 0;
            for (job, starts) in shop.jobs.iter().zip(&sequence.starts) {
                let mut ready = job.release;
                for (&(machine, duration), &start) in job.steps.iter().zip(starts) {
                    prop_assert!(start >= ready);
                    ready = start + duration;
                    busy.push((machine, start, ready));
                }
                makespan = ready.max(makespan);
            }
            prop_assert_eq!(makespan, sequence.makespan);
            busy.sort_unstable();
            for pair in busy.windows(2) {
                prop_assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{:?}", pair);
            }
        }

        /// At one machine against trying every order.
        #[test]
        fn few_jobs_at_one_machine_are_put_in_the_best_order(
            jobs in prop::collection::vec((1_i64..9, 0_i64..30, 1_i64..5), 1..5),
        ) {
            let jobs: Vec<Job> = jobs
                .into_iter()
                .map(|(duration, due, weight)| Job { release: 0, due, weight, steps: vec![(0, duration)] })
                .collect();
            let mut best = i128::MAX;
            let mut order: Vec<usize> = (0..jobs.len()).collect();
            permutations(&mut order, 0, &mut |order| {
                let (mut now, mut late) = (0, 0);
                for job in order {
                    now += jobs[*job].steps[0].1;
                    late += i128::from((now - jobs[*job].due).max(0) * jobs[*job].weight);
                }
                best = late.min(best);
            });
            let sequence = resequence(&Shop { jobs }, Goal::Lateness, 2_000);
            prop_assert!(sequence.lateness >= best);
            // Neighbours alone do not always lead to the best; they must come near.
            prop_assert!(sequence.lateness <= best * 2 + 10, "{} of {}", sequence.lateness, best);
        }
    }

    fn permutations(order: &mut Vec<usize>, from: usize, seen: &mut impl FnMut(&[usize])) {
        if from == order.len() {
            return seen(order);
        }
        for other in from..order.len() {
            order.swap(from, other);
            permutations(order, from + 1, seen);
            order.swap(from, other);
        }
    }
}
